"""(workload, seed) -> what will be sent and when. Pure but for reading the workload file itself.

``loader`` reads a workload file and names file, line and nearest key in its errors; ``library`` finds the files that come with the
harness; ``stream`` draws the messages of one publisher, phase by phase, from the seed; ``bodies`` makes their payloads.
"""
