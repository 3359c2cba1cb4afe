"""One file a broker: what it needs to start, which settings a durability tier means, how it greets."""
