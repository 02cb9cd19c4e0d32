// A relying party with openid-client: it writes where its user has to go, and reads where they came
// back.
import { createInterface } from "node:readline/promises";
import * as client from "openid-client";

const given = JSON.parse(process.env.RELYING_PARTY);
const authentication = given.secret
  ? client.ClientSecretBasic(given.secret)
  : client.None();
const config = await client.discovery(
  new URL(given.issuer),
  given.client_id,
  {},
  authentication,
  { execute: [client.allowInsecureRequests] },
);

// With DPoP, all its tokens are bound to a key of its own (RFC 9449).
const DPoP = given.dpop
  ? client.getDPoPHandle(config, await client.randomDPoPKeyPair())
  : undefined;
const proven = { DPoP };

const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
// A confidential client pushes its request (RFC 9126); a public one lets the browser bring it.
const build = given.secret
  ? client.buildAuthorizationUrlWithPAR
  : client.buildAuthorizationUrl;
const start = await build(config, {
  redirect_uri: given.redirect_uri,
  scope: given.scope,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
  ...(DPoP ? { dpop_jkt: await DPoP.calculateThumbprint() } : {}),
}, proven);
console.log(start.href);

const lines = createInterface({ input: process.stdin });
const callback = new URL((await lines[Symbol.asyncIterator]().next()).value);
const tokens = await client.authorizationCodeGrant(
  config,
  callback,
  {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  },
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
const me = await client.fetchProtectedResource(
  config,
  refreshed.access_token,
  new URL(`${given.issuer}/api/v2/barong/resource/users/me`),
  "GET",
  null,
  undefined,
  proven,
);
const called = { status: me.status, uid: (await me.json()).uid };
const shown = given.secret
  ? await client.tokenIntrospection(config, refreshed.access_token)
  : null;
await client.tokenRevocation(config, refreshed.refresh_token);
const after = given.secret
  ? await client.tokenIntrospection(config, refreshed.access_token)
  : null;
let reused = "accepted";
try {
  await client.refreshTokenGrant(
    config,
    refreshed.refresh_token,
    undefined,
    proven,
  );
} catch (error) {
  reused = error.error;
}
const end = client.buildEndSessionUrl(config, {
  id_token_hint: tokens.id_token,
  post_logout_redirect_uri: given.redirect_uri,
});
console.log(
  JSON.stringify({
    sub: claims.sub,
    user,
    called,
    type: tokens.token_type,
    shown: shown && shown.active,
    after: after && after.active,
    reused,
    end: end.href,
  }),
);
lines.close();
