import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// In development the page comes from Vite, and these from the gateway.
const gateway = "http://localhost:8080";

export default defineConfig({
  plugins: [react()],
  server: { proxy: { "/auth": gateway, "/api": gateway } },
});
