package e2e

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sessiongate/session/testserver"
	"sessiongate/web"
)

// clientStory plays a gateway to the client library: each row is what it answers, and what the page
// then has.
const clientStory = `
const calls = [];
let answers = [];
globalThis.fetch = async (request) => {
  calls.push(request.method + " " + await request.text());
  return answers.shift();
};
const auth = await import("./client.js");
const own = (status, headers) => new Response(status + "", {status, headers});
const problem = (code) => new Response(JSON.stringify({code, type: "urn:sessiongate:problem:" + code, reason: "x"}),
  {status: 401, headers: {"Content-Type": "application/problem+json"}});
const again = {"X-Sessiongate-Retry": "1", "X-Sessiongate-Upstream": "401"};
let ended = 0;
globalThis.dispatchEvent = () => ended++;
const stream = () => new ReadableStream({start(c) { c.enqueue(new TextEncoder().encode("x")); c.close(); }});
const post = {method: "POST", body: "x"};
for (const [name, init, given, status, sent, over] of [
  ["marked", post, [own(401, again), own(200)], 200, 2, 0],
  ["marked without a body", {method: "POST"}, [own(401, again), own(200)], 200, 2, 0],
  ["marked twice", post, [own(401, again), own(401, again), own(200)], 401, 2, 0],
  ["a success that is marked", post, [own(200, again), own(201)], 201, 2, 0],
  ["not marked", post, [own(401, {"X-Sessiongate-Upstream": "401"})], 401, 1, 0],
  ["another mark", post, [own(401, {"X-Sessiongate-Retry": "0"})], 401, 1, 0],
  ["a stream", {method: "POST", body: stream(), duplex: "half"}, [own(401, again)], 401, 1, 0],
  ["stale", post, [problem("session_stale"), own(200)], 200, 2, 0],
  ["over after all", post, [own(401, again), problem("session_ended")], 401, 2, 1],
  ["fine", post, [own(200)], 200, 1, 0],
]) {
  answers = given;
  calls.length = ended = 0;
  const res = await auth.fetch("http://localhost/api", init);
  const same = calls.every((c) => c === calls[0]);
  if (res.status !== status || calls.length !== sent || !same || ended !== over || (await res.text()) === undefined) {
    console.error(name, res.status, calls, ended);
    process.exitCode = 1;
  }
}
process.exit();
`

// The client library sends a request again, once and as it was, where the gateway asks for that.
func TestClientScriptRepeats(t *testing.T) {
	t.Parallel()
	node, dir := testserver.Need(t, "node"), t.TempDir()
	files := web.ClientScripts()
	// Here it lies in a folder, and there at a gateway.
	files["client.js"] = bytes.ReplaceAll(files["client.js"], []byte("import.meta.url"), []byte(`"http://localhost/auth/client.js"`))
	files["story.js"], files["package.json"] = []byte(clientStory), []byte(`{"type": "module"}`)
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), node, filepath.Join(dir, "story.js")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The package's own tests (node --test), so that `go test` alone tells of a fault in it.
func TestClientPackage(t *testing.T) {
	t.Parallel()
	node := testserver.Need(t, "node")
	files, err := filepath.Glob("../../../web/client/test/*.test.js")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	if out, err := exec.CommandContext(t.Context(), node, append([]string{"--test"}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What pages load is small: at most 5 KiB, compressed, comments and all.
func TestClientSize(t *testing.T) {
	t.Parallel()
	var compressed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	_, _ = w.Write(web.ClientScripts()["client/core.js"])
	_ = w.Close()
	if compressed.Len() > 5<<10 {
		t.Errorf("core.js has %d bytes, compressed", compressed.Len())
	}
}
