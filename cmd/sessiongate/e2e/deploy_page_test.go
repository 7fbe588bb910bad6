package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sessiongate/cmd/markdown"
	"sessiongate/session/testserver"
)

// deployer types what configs/deploy/README.md says, on a machine of its own: root is its file
// system, and systemctl, kubectl and docker take notes.
type deployer struct {
	t    *testing.T
	root string
	env  []string
}

// The stand-ins for what a test cannot run.
const (
	standInSudo = "#!/bin/sh\nexec \"$@\"\n"
	standInGo   = "#!/bin/sh\ntest \"$*\" = 'build -trimpath -o sessiongate ./cmd/sessiongate' && cp \"$SELF\" sessiongate\n"
	standInNote = "#!/bin/sh\necho \"$(basename \"$0\") $*\" >>\"$NOTES\"\n"
	// Of a Secret it notes which key is made of which file, and that it is there.
	standInKubectl = `#!/bin/sh
echo "kubectl $*" >>"$NOTES"
for word in "$@"; do
  case "$word" in --from-file=*)
    name=${word#--from-file=}
    cat "${name#*=}" >/dev/null || exit 1
    echo "key $6 $(basename "${name%%=*}")" >>"$NOTES"
  esac
done
`
)

func newDeployer(t *testing.T) *deployer {
	t.Helper()
	testserver.Need(t, "coreutils")
	self, err := built()
	if err != nil {
		t.Fatal(err)
	}
	d := &deployer{t: t, root: t.TempDir()}
	for _, folder := range []string{"bin", "usr/local/bin", "etc/systemd/system", "etc/redis", "etc/nginx/conf.d", "srv/app"} {
		if err := os.MkdirAll(filepath.Join(d.root, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, script := range map[string]string{
		"sudo": standInSudo, "go": standInGo, "kubectl": standInKubectl,
		"systemctl": standInNote, "systemd-run": standInNote, "nginx": standInNote, "journalctl": standInNote, "docker": standInNote,
	} {
		if err := os.WriteFile(filepath.Join(d.root, "bin", name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(d.root, "copy/configs"), os.DirFS("../../../configs")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"redis-password": "canary-redis-pw\n", "client-secret": "canary-client-secret"} {
		if err := os.WriteFile(filepath.Join(d.root, "copy", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.env = append(os.Environ(), "SELF="+self, "NOTES="+filepath.Join(d.root, "notes"),
		"PATH="+filepath.Join(d.root, "bin")+":"+filepath.Join(d.root, "usr/local/bin")+":"+os.Getenv("PATH"))
	return d
}

// here puts this machine's root in place of the page's.
func (d *deployer) here(text string) string {
	return regexp.MustCompile(`(^|[\s":=])/(etc|usr/local|srv)/`).ReplaceAllString(text, "${1}"+d.root+"/${2}/")
}

// follow runs every block of the page. Whether the gateway is ready nobody asks: none runs.
func (d *deployer) follow() {
	d.t.Helper()
	page := markdown.Parse("README.md", shippedText(d.t, deployFolder+"README.md"))
	ran := 0
	for i := range page.Blocks {
		b := &page.Blocks[i]
		if _, deploy := b.Words()["deploy"]; !deploy {
			continue
		}
		cmd := exec.CommandContext(d.t.Context(), "sh", "-eu", "-c", d.here(strings.Replace(b.Text, "sessiongate check --ready", "", 1)))
		cmd.Dir, cmd.Env, cmd.Stdin = filepath.Join(d.root, "copy"), d.env, strings.NewReader("lovelace-1843\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			d.t.Fatalf("%s: %v\n%s\n%s", b, err, b.Text, out)
		}
		ran++
	}
	if ran < 6 {
		d.t.Fatalf("only %d blocks", ran)
	}
}

func (d *deployer) notes() string { return shippedText(d.t, filepath.Join(d.root, "notes")) }

// TestDeployPage: whoever types what the page says has all that the unit and the Deployment want.
func TestDeployPage(t *testing.T) {
	t.Parallel()
	d := newDeployer(t)
	d.follow()
	t.Run("systemd", func(t *testing.T) { d.heldToUnit(t) })
	t.Run("kubernetes", func(t *testing.T) { d.heldToBase(t) })
}

func (d *deployer) heldToUnit(t *testing.T) {
	for made, from := range map[string]string{
		"etc/systemd/system/sessiongate.service": deployFolder + "sessiongate.service",
		"etc/sessiongate/sessiongate.yaml":       "../../../configs/examples/systemd.yaml",
		"etc/nginx/conf.d/sessiongate.conf":      deployFolder + "nginx-host.conf",
	} {
		if shippedText(t, filepath.Join(d.root, made)) != shippedText(t, from) {
			t.Errorf("%s is not %s", made, from)
		}
	}
	program := strings.Fields(setting(t, "ExecStart")[0])[0]
	if info, err := os.Stat(d.here(program)); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%s: %v %v", program, info, err)
	}
	// As systemd would: the secrets that root has, each under the name of its credential.
	credentials := t.TempDir()
	for _, entry := range setting(t, "LoadCredential") {
		name, from, _ := strings.Cut(entry, ":")
		info, err := os.Stat(d.here(from))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o007 != 0 {
			t.Errorf("%s has mode %v", from, info.Mode())
		}
		if err := os.WriteFile(filepath.Join(credentials, name), []byte(shippedText(t, d.here(from))), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "sessiongate.yaml")
	if err := os.WriteFile(file, []byte(d.here(shippedText(t, filepath.Join(d.root, "etc/sessiongate/sessiongate.yaml")))), 0o600); err != nil {
		t.Fatal(err)
	}
	check := sessiongate(t, "check", "--offline", "--config", file)
	check.Env = append(os.Environ(), "CREDENTIALS_DIRECTORY="+credentials)
	if out, err := check.CombinedOutput(); err != nil || strings.Contains(string(out), "warning") {
		t.Errorf("%v\n%s", err, out)
	}
	redis := shippedText(t, filepath.Join(d.root, "etc/redis/redis.conf"))
	if want := "requirepass " + strings.TrimSpace(shippedText(t, filepath.Join(credentials, "redis-password"))) + "\n"; !strings.HasPrefix(redis, want) {
		t.Error("Redis does not get the password that the gateway has")
	}
	if notes := d.notes(); !strings.Contains(notes, "systemctl daemon-reload\nsystemctl enable --now sessiongate\n") {
		t.Errorf("nobody starts it:\n%s", notes)
	}
	if want := " -p LoadCredential=" + strings.Join(setting(t, "LoadCredential"), " -p LoadCredential=") + " sessiongate check\n"; !strings.Contains(d.notes(), want) {
		t.Errorf("the check before the first start does not have all credentials: %s is not in\n%s", want, d.notes())
	}
}

func (d *deployer) heldToBase(t *testing.T) {
	base := shippedText(t, deployFolder+"kubernetes/sessiongate.yaml")
	read := make(map[string]bool) // "key SECRET NAME", as the stand-in notes it
	for _, m := range regexp.MustCompile(`/run/secrets/([a-z]+)/([a-z.-]+)`).FindAllStringSubmatch(base, -1) {
		read["key sessiongate-"+m[1]+" "+m[2]] = true
	}
	made := make(map[string]bool)
	for line := range strings.Lines(d.notes()) {
		if strings.HasPrefix(line, "key ") {
			made[strings.TrimSpace(line)] = true
		}
	}
	if !maps.Equal(made, read) || len(made) == 0 {
		t.Errorf("made: %v, read by the configuration: %v", slices.Sorted(maps.Keys(made)), slices.Sorted(maps.Keys(read)))
	}
	kustomization := shippedText(t, deployFolder+"kubernetes/kustomization.yaml")
	image := regexp.MustCompile(`newName: (\S+)\s+newTag: (\S+)`).FindStringSubmatch(kustomization)
	namespace := regexp.MustCompile(`(?m)^namespace: (\S+)`).FindStringSubmatch(kustomization)
	for _, want := range []string{
		"docker push " + image[1] + ":" + image[2] + "\n", " -t " + image[1] + ":" + image[2] + " .\n",
		"kubectl create namespace " + namespace[1] + "\n", "kubectl apply -k configs/deploy/kubernetes\n",
		"kubectl -n " + namespace[1] + " rollout status deployment/sessiongate\n",
	} {
		if !strings.Contains(d.notes(), want) {
			t.Errorf("nobody does %q", want)
		}
	}
}

// TestAlertsNameWhatThereIs: the metrics and events of the page's table are in the contract.
func TestAlertsNameWhatThereIs(t *testing.T) {
	t.Parallel()
	_, table, _ := strings.Cut(shippedText(t, deployFolder+"README.md"), "### Alerts worth having\n")
	table, _, _ = strings.Cut(table, "\n## ")
	contract := shippedText(t, "../testdata/contract.txt")
	var names []string
	names = append(names, regexp.MustCompile(`\bsessiongate_[a-z_]+`).FindAllString(table, -1)...)
	for _, m := range regexp.MustCompile(`type=~?"([^"]+)"`).FindAllStringSubmatch(table, -1) {
		names = append(names, strings.Split(m[1], `\|`)...)
	}
	if len(names) < 20 {
		t.Errorf("only %v", names)
	}
	for _, name := range names {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(contract) {
			t.Errorf("there is no %s", name)
		}
	}
}
