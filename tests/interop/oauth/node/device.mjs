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

const begun = await client.initiateDeviceAuthorization(config, {
  scope: given.scope,
});
console.log(JSON.stringify(begun));

try {
  const tokens = await client.pollDeviceAuthorizationGrant(config, begun);
  const claims = tokens.claims();
  const user = await client.fetchUserInfo(
    config,
    tokens.access_token,
    claims.sub,
  );
  const refreshed = await client.refreshTokenGrant(
    config,
    tokens.refresh_token,
  );
  console.log(
    JSON.stringify({
      sub: claims.sub,
      user,
      refreshed: refreshed.refresh_token !== tokens.refresh_token,
    }),
  );
} catch (error) {
  console.log(JSON.stringify({ error: error.error ?? error.message }));
}
