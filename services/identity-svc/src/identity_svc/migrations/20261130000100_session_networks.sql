-- migrate:up

-- The first network of the other address family that used the session: a client with IPv4 and IPv6
-- (dual stack) changes between the two. `network` is of the family that opened it.
ALTER TABLE sessions
    ADD COLUMN other_network cidr,
    ADD CONSTRAINT sessions_other_network_check CHECK (family(other_network) <> family(network));

-- IPv6 clients change their address within their /64 (RFC 8981): sessions are bound to that.
UPDATE sessions
SET network = network(set_masklen(network::inet, 64))
WHERE family(network) = 6
  AND masklen(network) > 64;

-- migrate:down
-- Forward only.
