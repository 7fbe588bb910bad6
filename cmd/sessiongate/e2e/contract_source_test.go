package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessiongate/configs"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/telemetry"
	"sessiongate/session"
)

// constant is a string constant of the source.
type constant struct{ name, typeName, value string }

type constants []constant

// stringConstants finds those in the packages below some folders of the module.
func stringConstants(t *testing.T, folders ...string) (list constants) {
	t.Helper()
	for _, file := range sourceFiles(t, folders...) {
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				list = append(list, constantsOf(spec.(*ast.ValueSpec))...)
			}
		}
	}
	return list
}

func constantsOf(spec *ast.ValueSpec) (list constants) {
	typeName := ""
	if id, ok := spec.Type.(*ast.Ident); ok {
		typeName = id.Name
	}
	for i, name := range spec.Names {
		if i < len(spec.Values) {
			if value, ok := literal(spec.Values[i]); ok {
				list = append(list, constant{name.Name, typeName, value})
			}
		}
	}
	return list
}

// ofType lists the values of one type.
func (list constants) ofType(name string) (values []string) {
	for _, c := range list {
		if c.typeName == name {
			values = append(values, c.value)
		}
	}
	return sortedSet(values)
}

// beginning lists the values that begin in the same way.
func (list constants) beginning(prefix string) (values []string) {
	for _, c := range list {
		if strings.HasPrefix(c.value, prefix) && c.value != prefix {
			values = append(values, c.value)
		}
	}
	return sortedSet(values)
}

func (list constants) named(name string) (string, bool) {
	i := slices.IndexFunc(list, func(c constant) bool { return c.name == name })
	if i < 0 {
		return "", false
	}
	return list[i].value, true
}

// value is what an expression of the source stands for, if it is a string that is written
// there, a constant, or a conversion of one.
func (list constants) value(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.Ident:
		return list.named(e.Name)
	case *ast.SelectorExpr:
		return list.named(e.Sel.Name)
	case *ast.CallExpr:
		if id, ok := e.Fun.(*ast.Ident); ok && id.Name == "string" && len(e.Args) == 1 {
			return list.value(e.Args[0])
		}
	}
	return literal(e)
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(l.Value)
	return value, err == nil
}

// sourceFiles parses the code below some folders of the module, without its tests.
func sourceFiles(t *testing.T, folders ...string) (files []*ast.File) {
	t.Helper()
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(moduleRoot, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			files = append(files, file)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// problemCodes are the values that the gateway gives to a field Code, and what the proxy
// calls its failures.
func problemCodes(t *testing.T, known constants) (codes []string) {
	t.Helper()
	note := func(e ast.Expr) {
		if value, ok := known.value(e); ok {
			codes = append(codes, value)
		}
	}
	for _, file := range sourceFiles(t, "gateway") {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if id, ok := n.Key.(*ast.Ident); ok && id.Name == "Code" {
					note(n.Value)
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if s, ok := left.(*ast.SelectorExpr); ok && s.Sel.Name == "Code" && i < len(n.Rhs) {
						note(n.Rhs[i])
					}
				}
			}
			return true
		})
	}
	for kind := proxy.Unreachable; kind <= proxy.Unavailable; kind++ {
		codes = append(codes, kind.String())
	}
	return sortedSet(codes)
}

// configurationKeys lists every path of keys; [] stands for the entries of a list, and a
// section that has kinds names them.
func configurationKeys() []string {
	return sortedSet(keysBelow(reflect.TypeFor[configs.Config](), ""))
}

func keysBelow(t reflect.Type, path string) (list []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice {
			path += "[]"
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		tag := t.Field(i).Tag.Get("yaml")
		name, option, _ := strings.Cut(tag, ",")
		kind, isKind := strings.CutPrefix(option, "kind=")
		switch {
		case isKind:
			list = append(list, keysBelow(t.Field(i).Type, path+"("+kind+")")...)
		case name != "" && name != "-":
			below := strings.TrimPrefix(path+"."+name, ".")
			list = append(list, below)
			list = append(list, keysBelow(t.Field(i).Type, below)...)
		}
	}
	return list
}

// auditFields are the names in the audit log's lines: each field, and each event with the
// level it has.
func auditFields(events []string) (names []string) {
	var lines bytes.Buffer
	audit := telemetry.NewAudit(slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for i, event := range events {
		audit.Record(session.Event{
			Type: session.EventType(event), Time: time.Unix(int64(i)*60, 0), ID: "ID", Subject: "s", Provider: "p",
			Reason: "r", Limit: "l", Username: "u", Err: errors.New("e"),
			Client: session.Client{IP: "i", UserAgent: "a", RequestID: "q"},
			Device: session.Device{Name: "n", IPPrefix: "x", UserAgent: "a"},
		})
	}
	for line := range bytes.Lines(lines.Bytes()) {
		var fields map[string]any
		if json.Unmarshal(line, &fields) != nil {
			continue
		}
		names = append(names, slices.Collect(maps.Keys(fields))...)
		security := ""
		if fields["security"] == true {
			security = " security"
		}
		names = append(names, fields["msg"].(string)+" = "+fields["level"].(string)+security)
	}
	return sortedSet(names)
}
