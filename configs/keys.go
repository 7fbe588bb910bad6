package configs

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Keys is the `keys` section: three rings. In each, the newest key whose time has come seals or
// signs, and all of them open or verify. All may be left out for an embedded store on a loopback
// public_url: they are then made in memory.
type Keys struct {
	// Cookie seals what the browser holds. 32 random bytes each.
	Cookie []Key `yaml:"cookie"`
	// Seal seals identity and tokens in the store. 32 random bytes each.
	Seal []Key `yaml:"seal"`
	// Signing signs access tokens; for local providers only.
	Signing []SigningKey `yaml:"signing"`
}

// Key is one entry of a ring of symmetric keys.
type Key struct {
	// ID names the key in what it sealed: 1 to 64 of A-Z a-z 0-9 . _ -, unique in its ring.
	// Required.
	ID string `yaml:"id,required" eg:"k1"`
	// File holds the key: 32 random bytes as one line of base64url. Required; not readable by
	// everyone.
	File Path `yaml:"file,required" eg:"/run/secrets/NAME.key"`
	// From is when the key begins to seal, RFC 3339. Default: always.
	From Time `yaml:"from"`
	// Material is the text of File, without the newline at its end.
	Material Secret `yaml:"-"`
}

// SigningKey is one entry of the ring that signs access tokens.
type SigningKey struct {
	// ID is the `kid` of the key: 1 to 64 of A-Z a-z 0-9 . _ -, unique in the ring. Required.
	ID string `yaml:"id,required" eg:"k1"`
	// File holds the private key in PEM, or for HS256 a secret text of 32 bytes or more, which the
	// APIs know as well and which is used as it stands, without the newline at its end. Required;
	// not readable by everyone.
	File Path `yaml:"file,required" eg:"/run/secrets/NAME.key"`
	// From is when the key begins to sign, RFC 3339. Default: always.
	From Time `yaml:"from"`
	// Alg is EdDSA, Ed25519 (the newer name of EdDSA, RFC 9864; not every API's library knows it),
	// ES256, RS256 or HS256. Default: what the PEM in File holds.
	Alg string `yaml:"alg" oneof:"EdDSA Ed25519 ES256 RS256 HS256"`
	// Material is the text of File, without the newline at its end.
	Material Secret `yaml:"-"`
}

// defaultKeys is the folder that init and the shipped files have keys in.
const defaultKeys = "keys"

const generateKeys = "run `sessiongate keys generate --dir D` and write "

var keyID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// readKeyFiles loads the material of every key.
func readKeyFiles(f files, k *Keys) {
	readRing(f, "keys.cookie", k.Cookie)
	readRing(f, "keys.seal", k.Seal)
	for i := range k.Signing {
		readKeyFile(f, index("keys.signing", i)+".file", k.Signing[i].File, &k.Signing[i].Material)
	}
}

func readRing(f files, path string, ring []Key) {
	for i := range ring {
		readKeyFile(f, index(path, i)+".file", ring[i].File, &ring[i].Material)
	}
}

func readKeyFile(f files, path string, file Path, into *Secret) {
	generated := []string{"cookie.key", "seal.key", "signing.pem"} // as `keys generate` calls them
	switch folder, name := filepath.Split(string(file)); {
	case file == "":
	case slices.Contains(generated, name) && f.missing(path, file, "sessiongate keys generate --dir "+filepath.Clean(folder)):
	default:
		*into = f.secretFile(path, file)
	}
}

func checkKeys(c *checker) {
	k := &c.config.Keys
	checkRingsPresent(c, k)
	known := make(map[string]string)
	checkRing(c, "keys.cookie", k.Cookie, known)
	checkRing(c, "keys.seal", k.Seal, known)
	ids := make(map[string]bool)
	for i := range k.Signing {
		path := index("keys.signing", i)
		checkKeyID(c, path+".id", k.Signing[i].ID, ids)
		checkSigningKey(c, path, &k.Signing[i])
	}
}

func checkRingsPresent(c *checker, k *Keys) {
	if c.config.Store.Embedded && c.loopback() || c.anyBroken("keys", "store", "store.embedded") {
		return
	}
	checkRingPresent(c, "keys.cookie", len(k.Cookie), "cookie: [{id: c1, file: D/cookie.key}]")
	checkRingPresent(c, "keys.seal", len(k.Seal), "seal: [{id: s1, file: D/seal.key}]")
	for i := range c.config.Providers {
		if c.config.Providers[i].Local != nil {
			checkRingPresent(c, "keys.signing", len(k.Signing), "signing: [{id: k1, file: D/signing.pem}]")
			return
		}
	}
}

func checkRingPresent(c *checker, path string, keys int, example string) {
	if keys == 0 && !c.anyBroken(path) {
		c.problem(path, "is missing", generateKeys+example)
		if folder := filepath.Join(filepath.Dir(c.file), defaultKeys); shellPath.MatchString(folder) {
			c.tryLast("sessiongate keys generate --dir " + folder)
		}
	}
}

func checkRing(c *checker, path string, ring []Key, known map[string]string) {
	ids := make(map[string]bool)
	for i := range ring {
		at := index(path, i)
		checkKeyID(c, at+".id", ring[i].ID, ids)
		checkSealingKey(c, at, ring[i].Material, known)
	}
}

func checkKeyID(c *checker, path, id string, ids map[string]bool) {
	switch {
	case c.anyBroken(path):
		return // reported already
	case !keyID.MatchString(id):
		c.problem(path, "is not 1 to 64 of A-Z a-z 0-9 . _ -", "write id: k1")
	case ids[id]:
		c.problem(path, c.quote(path, id)+" is the id of another key of this ring", "write another id")
	}
	ids[id] = true
}

// checkSealingKey looks at a key as the rings do, so that a poor one is reported together with
// everything else.
func checkSealingKey(c *checker, path string, material Secret, known map[string]string) {
	if material.Empty() {
		return // reported when the file was read
	}
	fix := generateKeys + "its path here"
	key, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(material.Reveal(), "="))
	switch earlier, twice := known[string(key)]; {
	case err != nil || strings.ContainsAny(material.Reveal(), "\r\n"):
		c.problem(path+".file", "does not hold one line of base64url", fix)
	case len(key) != 32:
		c.problem(path+".file", "holds a key that is not 32 bytes long", fix)
	case obvious(key):
		c.problem(path+".file", "holds a key that is not random", fix)
	case twice:
		c.problem(path+".file", "holds the same key as "+earlier, fix)
	default:
		known[string(key)] = path
	}
}

// obvious finds keys that nobody drew at random: too few different bytes, or a plain sequence, or
// readable text. Of 32 random bytes fewer than 16 different ones, or nothing but printable ASCII,
// come up less than once in 10^12 keys.
func obvious(key []byte) bool {
	different := make(map[byte]bool)
	steps := make(map[byte]bool)
	readable := true
	for i, b := range key {
		different[b] = true
		readable = readable && b >= ' ' && b < 0x7f
		if i > 0 {
			steps[b-key[i-1]] = true
		}
	}
	return len(different) < 16 || len(steps) < 4 || readable
}

func checkSigningKey(c *checker, path string, k *SigningKey) {
	if k.Material.Empty() || c.anyBroken(path+".alg") {
		return
	}
	if k.Alg == "HS256" {
		checkSharedSecret(c, path, k.Material.Reveal())
		return
	}
	alg, what := pemAlgorithm([]byte(k.Material.Reveal()))
	switch {
	case what != "":
		c.problem(path+".file", what, generateKeys+"its path here")
	case k.Alg == "Ed25519" && alg == "EdDSA":
	case k.Alg != "" && k.Alg != alg:
		c.problem(path+".alg", "is "+k.Alg+", and the file holds a key for "+alg, "write alg: "+alg)
	default:
		k.Alg = alg
	}
}

// checkSharedSecret wants 32 bytes (RFC 7518 section 3.2). A shared secret may be readable, hex for
// example, but not a placeholder.
func checkSharedSecret(c *checker, path, secret string) {
	const fix = "write a file made with `openssl rand -hex 32`"
	different := make(map[rune]bool)
	for _, b := range secret {
		different[b] = true
	}
	folded := strings.ToLower(secret)
	switch {
	case len(secret) < 32:
		c.problem(path+".file", "holds a secret shorter than 32 bytes, which HS256 needs", fix)
	case len(different) < 8, strings.Contains(folded, "change"), strings.Contains(folded, "secret"), strings.Contains(folded, "password"):
		c.problem(path+".file", "holds a secret that is not random", fix)
	case strings.HasPrefix(secret, "-----BEGIN "):
		c.problem(path+".file", "holds PEM, and HS256 wants a shared secret", "remove alg, or "+fix)
	}
}

// pemAlgorithm tells what a PEM private key signs with, or what is wrong with it.
func pemAlgorithm(text []byte) (alg, what string) {
	block, _ := pem.Decode(text)
	if block == nil {
		return "", "does not hold a PEM private key"
	}
	key, ok := parsePrivateKey(block)
	if !ok {
		return "", "does not hold a private key in PKCS#8, SEC 1 or PKCS#1"
	}
	switch k := key.(type) {
	case ed25519.PrivateKey:
		return "EdDSA", ""
	case *ecdsa.PrivateKey:
		if k.Curve == elliptic.P256() {
			return "ES256", ""
		}
		return "", "holds an EC key on a curve other than P-256"
	case *rsa.PrivateKey:
		if k.N.BitLen() >= 2048 {
			return "RS256", ""
		}
		return "", "holds an RSA key shorter than 2048 bits"
	}
	return "", "holds a key that is neither Ed25519, P-256 nor RSA"
}

func parsePrivateKey(block *pem.Block) (any, bool) {
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return key, true
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, true
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, true
	}
	return nil, false
}
