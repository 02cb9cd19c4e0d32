"""Labels: public ones, which a user writes himself, and private ones, which decide his standing."""
