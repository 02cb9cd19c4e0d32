// A device with openid-client: it writes what its user has to enter, and waits for them.
import * as client from "openid-client";

const given = JSON.parse(process.env.RELYING_PARTY);
const config = await client.discovery(
  new URL(given.issuer),
  given.client_id,
  {},
  given.secret ? client.ClientSecretBasic(given.secret) : client.None(),
  { execute: [client.allowInsecureRequests] },
);

// With DPoP, its tokens are bound to a key of its own (RFC 9449).
const proven = given.dpop
  ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair()) }
  : {};

const begun = await client.initiateDeviceAuthorization(config, {
  scope: given.scope,
});
console.log(JSON.stringify(begun));

try {
  const tokens = await client.pollDeviceAuthorizationGrant(
    config,
    begun,
    undefined,
    proven,
  );
  const claims = tokens.claims();
  const user = await client.fetchUserInfo(
    config,
    tokens.access_token,
    claims.sub,
    proven,
  );
  const refreshed = await client.refreshTokenGrant(
    config,
    tokens.refresh_token,
    undefined,
    proven,
  );
  console.log(
    JSON.stringify({
      sub: claims.sub,
      user,
      type: tokens.token_type,
      refreshed: refreshed.refresh_token !== tokens.refresh_token,
    }),
  );
} catch (error) {
  console.log(JSON.stringify({ error: error.error ?? error.message }));
}
