// The types of sessiongate-client. Times without a unit are in seconds; `…_at` fields that are numbers are
// milliseconds since 1970 on this machine's clock, as Date.now() has them.

/** Who is signed in. */
export interface User {
  sub: string;
  name: string;
  roles: string[];
  claims: Record<string, unknown>;
}

/** What lasts as long as the session. */
export interface SessionFacts {
  /** Public id: it names the session and opens nothing. */
  id: string;
  /** The provider's name in the configuration. */
  provider: string;
  /** RFC 3339. */
  created_at: string;
  /** When the user last proved who they are (RFC 3339). Not every provider says. */
  auth_time?: string;
}

/** The session with its deadlines on this machine's clock. */
export interface SessionInfo extends SessionFacts {
  /** When the session ends, whatever happens. */
  expires_at: number;
  /** When it ends if nobody uses it. */
  idle_expires_at: number;
}

/** The session with what was left of it when the gateway answered. */
export interface SessionDetails extends SessionFacts {
  expires_in: number;
  idle_expires_in: number;
  access_expires_in: number;
}

/** `GET /auth/session`. */
export interface SessionDocument {
  authenticated: boolean;
  /** Why the last session ended. */
  reason?: string;
  user?: User;
  session?: SessionDetails;
}

/** A problem of the gateway (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  /** Why the session ended, or why a sign-in was refused: `email_not_confirmed`, `account_locked`, … */
  reason?: string;
  login_url?: string;
  retry_after?: number;
  /** With login_step_required: what the login API says about the step. */
  step?: Record<string, unknown>;
}

/**
 * What is known. No network fault, 429 or 5xx changes `status`: it makes the snapshot `stale` and says why in
 * `error`. The object stays the same while nothing changes and no deadline moves by more than 2 s.
 */
export type Snapshot = { stale?: true; error?: unknown } & (
  | { status: "loading"; user?: undefined; session?: undefined; reason?: undefined }
  | { status: "authenticated"; user: User; session: SessionInfo; reason?: undefined }
  | { status: "anonymous"; user?: undefined; session?: undefined; reason?: string }
);

/**
 * One event for each change, in every tab. (`step_up` is told in the tab whose request it was.) Functions that
 * `subscribe` was given hear of a change before those of `on`.
 */
export interface Events {
  /** Nobody was signed in, and now somebody is. Never on a first look. */
  signed_in: { user: User };
  /** Another user, or the same one by another provider. Clear what was cached for the one before. */
  user_changed: { from: User; to: User };
  /** The session is over. Once for each session, however the page learnt of it. */
  ended: { reason: string };
  refreshed: { access_expires_in?: number };
  expiring: { expires_in?: number };
  /** The list of the user's sessions is another. */
  sessions_changed: Record<string, never>;
  /** Something wants a more recent or a stronger sign-in. */
  step_up: { login_url?: string };
}

/** One of the user's sessions. */
export interface Device {
  id: string;
  current: boolean;
  created_at: string;
  last_seen_at: string;
  device: string;
  ip_prefix: string;
  provider: string;
}

/** What the login page is asked for. */
export interface LoginOptions {
  /** The `login_url` of a problem or of `step_up`: it says how recent or how strong the sign-in must be. */
  url?: string;
  /** A path on this origin to come back to. This page if left out; its fragment is kept. */
  returnTo?: string;
  /** The provider's name in the configuration. */
  provider?: string;
  prompt?: string;
  /** How old a sign-in may be, in seconds. */
  maxAge?: number;
  acrValues?: string;
  loginHint?: string;
  uiLocales?: string;
}

/** A sign-in with the page's own form. */
export interface PasswordOptions {
  username: string;
  password: string;
  provider?: string;
  deviceName?: string;
  /** Fields of `login.extra`, such as `{ otp: "123456" }`. */
  extra?: Record<string, string | number | boolean>;
}

/**
 * A sign-in that leaves the page where it is. Call `signIn` in the click itself, or the browser blocks the window. It
 * is done when the gateway's last page in that window says so; that the window is closed cannot be seen from here.
 */
export interface PopupOptions extends Omit<LoginOptions, "returnTo"> {
  popup: true;
  /** Gives the wait up. */
  signal?: AbortSignal;
}

export interface ClientOptions {
  /** Where the gateway's endpoints are: a path with a slash at its end, or a URL. Default `/auth/`. */
  base?: string | URL;
  /** What sends a request. Default the browser's own fetch. */
  fetch?: (request: Request) => Promise<Response>;
  /**
   * Hold requests that the gateway refused because nobody is signed in, and send them again once the same user is.
   * Default false: the 401 is returned.
   */
  replay?: boolean;
  /** `auto`: an event stream while somebody is signed in and somebody listens. `off`: none. */
  events?: "auto" | "off";
  /** When to ask again who is signed in. `minInterval` in seconds. */
  refetch?: { focus?: boolean; online?: boolean; minInterval?: number };
  /** What a server that rendered the page knew already: the document of `GET /auth/session`. */
  initial?: SessionDocument;
  /** Hears every event. It opens no stream and asks nothing by itself, as `on` and `subscribe` do. */
  onEvent?<T extends keyof Events>(type: T, detail: Events[T]): void;
}

export interface Client {
  /** What is known now. */
  getSnapshot(): Snapshot;
  /** Calls run now and at every change. Returns what stops it. */
  subscribe(run: (snapshot: Snapshot) => void): () => void;
  /** Calls run at every event of the type. Returns what stops it. */
  on<T extends keyof Events>(type: T, run: (detail: Events[T]) => void): () => void;
  /** Asks who is signed in. It counts as using the session only with touch. */
  session(options?: { touch?: boolean }): Promise<SessionDocument>;
  /**
   * Signs in with a user name and a password, or in a popup. It rejects with a `SessionError`, whose `code` is
   * `login_step_required` where the account needs more: fill in `extra` then.
   */
  signIn(options: PasswordOptions | PopupOptions): Promise<SessionDocument>;
  /** Goes to the login page, and comes back. */
  signIn(options?: LoginOptions & { popup?: false; password?: undefined }): Promise<void>;
  /**
   * Ends the session, and goes to the provider's own sign-out page if there is one. returnTo: where to go otherwise;
   * the gateway's page after a sign-out if left out, nowhere if empty. everywhere: ends all of the user's sessions.
   */
  signOut(options?: { returnTo?: string; everywhere?: boolean }): Promise<void>;
  /**
   * The browser's fetch, with the session: what the gateway refused for a moment is sent again, and with `replay` what
   * it refused until somebody signs in. Else a 401 is returned, not thrown. Requests to other origins pass as they are.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** Refreshes the access token if it is due, or now with force. */
  refresh(options?: { force?: boolean }): Promise<SessionDocument>;
  /** The user's sessions, newest first. */
  sessions(): Promise<Device[]>;
  /** Ends one of them. */
  revoke(id: string): Promise<void>;
  /** Ends all of the user's other sessions, and says how many. */
  revokeOthers(): Promise<number>;
  /** Where `signIn` goes. */
  loginURL(options?: LoginOptions): string;
  /** Stops everything: streams, timers, listeners. */
  close(): void;
}
