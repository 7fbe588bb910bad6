import { useCallback, useEffect, useState, type FormEvent } from "react";
import { SessionError } from "sessiongate-client";
import {
  RequireSession, SignedIn, SignedOut, useSession, useSessionClient, useSessionEvent, useSessions, useUser,
} from "sessiongate-client/react";

export function App() {
  const { status, stale } = useSession();
  return (
    <main data-status={status} data-stale={stale ? "" : undefined}>
      <Header />
      {stale && <p role="status" className="note">The gateway cannot be asked. Nothing is lost; this page tries again.</p>}
      <SignedOut><SignIn /></SignedOut>
      <Orders />
      <SignedIn><Devices /></SignedIn>
      <Happened />
    </main>
  );
}

function Header() {
  const user = useUser(), { signOut } = useSession();
  return (
    <header>
      <h1>Orders</h1>
      {user && <p><strong id="who">{user.name}</strong> <button id="out" onClick={() => signOut({ returnTo: "" })}>Sign out</button></p>}
      <RequireSession roles={["admin"]}><small>administrator</small></RequireSession>
    </header>
  );
}

function SignIn() {
  const { signIn, reason } = useSession();
  const [fault, setFault] = useState("");
  const tell = (error: unknown) => setFault(error instanceof SessionError ? error.problem?.detail ?? error.message : "No answer.");
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn({ username: String(form.get("username")), password: String(form.get("password")) }).catch(tell);
  }
  return (
    <section>
      <h2>Sign in</h2>
      {reason && <p className="note">Signed out: {reason.replaceAll("_", " ")}.</p>}
      <form onSubmit={submit}>
        <label>Name <input name="username" autoComplete="username" required /></label>
        <label>Password <input name="password" type="password" autoComplete="current-password" required /></label>
        <button id="in" className="primary">Sign in</button>
        <button id="popup" type="button" onClick={() => signIn({ popup: true }).catch(tell)}>In a window</button>
      </form>
      {fault && <p role="alert" className="note">{fault}</p>}
    </section>
  );
}

type Order = { id: number; what: string };

// It stays while nobody is signed in: an order that waits belongs to it.
function Orders() {
  const client = useSessionClient(), user = useUser();
  const [orders, setOrders] = useState<Order[]>([]);
  const [says, setSays] = useState("");
  const load = useCallback(async () => {
    const answer = await client.fetch("/api/orders").catch(() => null);
    if (answer?.ok) setOrders(await answer.json());
  }, [client]);
  const of = user?.sub;
  useEffect(() => {
    setOrders([]);
    if (of) load();
  }, [of, load]);
  useSessionEvent("user_changed", () => setSays(""));
  async function order() {
    setSays("on its way");
    try {
      const answer = await client.fetch("/api/orders", { method: "POST", body: JSON.stringify({ what: "Tea" }) });
      setSays(answer.ok ? "ordered" : `refused (${answer.status})`);
      if (answer.ok) load();
    } catch (error) {
      setSays(error instanceof SessionError ? `not sent: ${error.code}` : "no answer");
    }
  }
  return (
    <section>
      <h2>Your orders</h2>
      <ul id="orders">{orders.map(({ id, what }) => <li key={id}>{what} <small>no. {id}</small></li>)}</ul>
      <p><button id="order" className="primary" onClick={order}>Order tea</button> <output id="says">{says}</output></p>
    </section>
  );
}

function Devices() {
  const { sessions, error, revoke } = useSessions();
  return (
    <section>
      <h2>Your devices</h2>
      {error !== undefined && <p className="note">The list is not available now.</p>}
      <ul id="devices">
        {sessions?.map(({ id, device, current }) => (
          <li key={id}>
            {device} {current ? <small>this one</small> : <button onClick={() => revoke(id).catch(() => {})}>Sign out</button>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Happened() {
  const [events, setEvents] = useState<string[]>([]);
  const add = (line: string) => setEvents((before) => [...before.slice(-9), line]);
  useSessionEvent("signed_in", ({ user }) => add(`signed_in ${user.name}`));
  useSessionEvent("user_changed", ({ to }) => add(`user_changed ${to.name}`));
  useSessionEvent("ended", ({ reason }) => add(`ended ${reason}`));
  if (!events.length) return null;
  return (
    <section>
      <h2>What happened</h2>
      <ol id="events">{events.map((line, i) => <li key={i}>{line}</li>)}</ol>
    </section>
  );
}
