"""What a broker lacks and its users build themselves, in small pieces that any adapter may use.

``expiry`` is the time to live that the application keeps an eye on; ``retry_ladder`` is a topic or queue per delay and the room where
what is not due waits; ``priority_lanes`` hands out the highest class first from one buffer a class; ``notes`` are the headers that
travel with a copy, the reason of a dead letter among them. Extra publishes are counted as copies.
"""
