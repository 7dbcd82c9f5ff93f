//! Bit positions of every structure, and nothing else: no legality, no defaults, no behaviour.
