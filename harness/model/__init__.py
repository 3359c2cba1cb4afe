"""The nouns: workload, message, operation, capability, verdict, result. Pure data; knows no socket, file or clock."""
