// An Express application with an area for admins, as its guide writes one: node app.mjs MODULES
import { createRequire } from "node:module";

const express = createRequire(process.argv[2] + "/")("express");
const app = express();
app.use("/api/admin", (request, response) => response.send("ADMIN"));
app.get("/api/reports/:id", (request, response) => response.send("report " + request.params.id));
app.use((request, response) => response.status(404).send("nothing"));
const server = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.on("end", () => process.exit()).resume();
