import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "sessiongate-client";
import { SessionProvider } from "sessiongate-client/react";
import { App } from "./app";
import "./style.css";

// replay: an order that comes after the end of the session waits for the user to sign in again.
const client = createClient({ replay: true });

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <SessionProvider client={client}>
      <App />
    </SessionProvider>
  </StrictMode>,
);
