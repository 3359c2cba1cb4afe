"""Who may connect, who they are, and what they may do: listeners, TLS, SASL, access rules, quotas.

`scram`, `sasl`, `acl` and `quotas` are pure: time and random bytes are arguments. `tls` and the files are the only parts
that touch the machine. The server asks `listeners` what to open, the dispatcher asks the connection's state whether it has
authenticated, handlers ask `Broker.authorizer`.
"""
