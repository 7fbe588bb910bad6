// What `import … from "sessiongate-client"` gives: core.js, and the types.
export * from "./core.js";
export type * from "./types.d.ts";
