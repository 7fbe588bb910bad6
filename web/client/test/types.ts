// What an app may write, and what its compiler must refuse. .ci/client compiles it and nobody runs it.
import { createClient, SessionError, type Client, type Snapshot, type Events } from "sessiongate-client";
import { mockGateway } from "sessiongate-client/testing";
import { fromRequest } from "sessiongate-client/server";

const client: Client = createClient({
  fetch: mockGateway({ user: { name: "x" } }), replay: true, onEvent: (type, detail) => console.log(type, detail),
});
createClient({ fetch });
client.on("ended", ({ reason }) => reason.toUpperCase());
client.on("user_changed", ({ from, to }) => from.sub === to.sub);
const s: Snapshot = client.getSnapshot();
if (s.status === "authenticated") s.session.expires_at.toFixed();
else s.user satisfies undefined;
console.log((await client.signIn({ username: "a", password: "b", extra: { otp: "1" } })).user?.name);
console.log((await client.signIn({ popup: true, url: "/x" })).authenticated);
await client.signIn();
await client.signIn({ provider: "corp" });
try {
  await client.signOut();
} catch (e) {
  if (e instanceof SessionError) console.log(e.problem?.step?.kind);
}
console.log(fromRequest(new Headers()).claims?.sub);
fromRequest({ authorization: "x" });
// @ts-expect-error no such event
client.on("nothing", () => {});
// @ts-expect-error numbers are no paths
client.signIn({ returnTo: 5 });
export type E = Events;
