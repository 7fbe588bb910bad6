package configs_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessiongate/configs"
)

// What the program takes to end besides server.drain_timeout: readiness is off that long before
// the listener closes, whatever server.shutdown_delay says, and then what is left is stored.
const (
	shortestDelay = time.Second
	settleTime    = 10 * time.Second
)

// longestStop is how long a process with this configuration may take to end.
func longestStop(s *configs.Server) time.Duration {
	return max(time.Duration(s.ShutdownDelay), shortestDelay) + time.Duration(s.DrainTimeout) + settleTime
}

// unit reads the settings of the shipped unit file.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	settings := make(map[string][]string)
	for line := range strings.Lines(shippedFile(t, "deploy/sessiongate.service")) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			settings[name] = append(settings[name], value)
		}
	}
	return settings
}

func shippedFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// credentials makes a folder as systemd makes it: for its owner, and nobody may write. Where
// systemd cannot give the files away it uses an ACL, which shows as a mode of the group.
func credentials(t *testing.T, mode os.FileMode) string {
	t.Helper()
	made := folder(t)
	write(t, filepath.Join(made, "redis-password"), "canary-redis-pw\n", 0o600)
	dir := t.TempDir()
	for _, entry := range unit(t)["LoadCredential"] {
		name, from, _ := strings.Cut(entry, ":")
		text, err := os.ReadFile(filepath.Join(made, filepath.Base(from)))
		if err != nil {
			t.Fatalf("LoadCredential=%s: %v", entry, err)
		}
		write(t, filepath.Join(dir, name), string(text), mode)
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) }) // so that it can be removed
	return dir
}

func TestSystemdConfigurationLoads(t *testing.T) {
	text := strings.ReplaceAll(shippedFile(t, "examples/systemd.yaml"), "/srv/app", filepath.Join(folder(t), "app"))
	for _, mode := range []os.FileMode{0o400, 0o440} {
		dir := credentials(t, mode)
		loaded := load(t, t.TempDir(), text, env(map[string]string{"CREDENTIALS_DIRECTORY": dir}))
		if len(loaded.Warnings) > 0 {
			t.Errorf("credentials of mode %v: warnings %v", mode, loaded.Warnings)
		}
		if file := string(loaded.Config.Store.Redis.PasswordFile); file != filepath.Join(dir, "redis-password") {
			t.Errorf("the password of Redis is read from %s", file)
		}
		stop, err := time.ParseDuration(unit(t)["TimeoutStopSec"][0] + "s")
		if longest := longestStop(&loaded.Config.Server); err != nil || stop <= longest {
			t.Errorf("TimeoutStopSec is %v (%v), and it may take %v to end", stop, err, longest)
		}
	}
	text = strings.Replace(text, "store:", "stor:", 1)
	if _, err := configs.LoadBytes("systemd.yaml", []byte(text), noEnv); err == nil || !strings.Contains(err.Error(), "CREDENTIALS_DIRECTORY is not set") {
		t.Errorf("outside of systemd: %v", err)
	}
}

// TestSystemdCredentialsAgree: what the unit hands over is what the configuration reads.
func TestSystemdCredentialsAgree(t *testing.T) {
	handed := make(map[string]bool)
	for _, entry := range unit(t)["LoadCredential"] {
		name, _, _ := strings.Cut(entry, ":")
		handed[name] = true
	}
	read := make(map[string]bool)
	for _, m := range regexp.MustCompile(`\$\{CREDENTIALS_DIRECTORY\}/([a-z.-]+)`).FindAllStringSubmatch(shippedFile(t, "examples/systemd.yaml"), -1) {
		read[m[1]] = true
	}
	if !maps.Equal(handed, read) || len(read) < 4 {
		t.Errorf("LoadCredential= hands over %v, and examples/systemd.yaml reads %v",
			slices.Sorted(maps.Keys(handed)), slices.Sorted(maps.Keys(read)))
	}
}

// TestSystemdUnitIsFast: hardening must not cost connections, and the kernel must not kill what Go
// could collect.
func TestSystemdUnitIsFast(t *testing.T) {
	settings := unit(t)
	if subset := settings["ProcSubset"]; subset != nil && !slices.Equal(subset, []string{"all"}) {
		t.Errorf("ProcSubset=%v hides somaxconn: the listener's backlog would be 128", subset)
	}
	mebibytes := func(text, suffix string) int {
		n, err := strconv.Atoi(strings.TrimSuffix(text, suffix))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if len(settings["MemoryMax"]) != 1 || len(settings["Environment"]) != 1 {
		t.Fatalf("MemoryMax=%v, Environment=%v", settings["MemoryMax"], settings["Environment"])
	}
	limit := mebibytes(settings["MemoryMax"][0], "M")
	soft := mebibytes(strings.TrimPrefix(settings["Environment"][0], "GOMEMLIMIT="), "MiB")
	if soft < limit/2 || soft > limit*9/10 {
		t.Errorf("GOMEMLIMIT is %d MiB, and the limit %d MiB", soft, limit)
	}
}
