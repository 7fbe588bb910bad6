package redisstore

import (
	"embed"
	"strconv"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var lua embed.FS

// script is one of ours, with what it does, for errors.
type script struct {
	doing string
	*redis.Script
}

// newScript makes a script of a file that stands alone.
func newScript(doing, file string) script {
	return script{doing, redis.NewScript(source(file))}
}

// sessionScript makes a script on the two keys of a session: the prelude that knows the
// decision table stands before it.
func sessionScript(doing, file string) script {
	return script{doing, redis.NewScript(source("rotation") + "\n" + source(file))}
}

// resolveSource is the script of Resolve: the short answer to nearly every request stands
// before the prelude.
func resolveSource() string {
	return source("not_modified") + "\n" + source("rotation") + "\n" + source("resolve")
}

// source reads a script that was compiled in.
func source(name string) string {
	text, err := lua.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // a name that no file has
	}
	return string(text)
}

// Flags and numbers travel as text; these spare go-redis its reflection.
func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func number[T ~uint32 | ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }
