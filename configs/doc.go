// Package configs is the configuration file: its structs, its strict reader, its checks and the
// annotated files that are shipped with the program.
//
// Load goes through four steps, and each collects problems instead of stopping at the first, so
// that an operator mends a file in one go:
//
//  1. parse.go turns bytes into a YAML tree and refuses what a configuration never needs (anchors,
//     tags, a second document, runaway nesting) before the tree is built;
//  2. section.go, list.go and scalar.go walk that tree beside the structs. The `yaml` tags are the
//     only list of keys there is. A value is never coerced: 8080 is not ":8080", and 30 is not 30s;
//  3. files.go reads the files that hold secrets and looks whether the others are there, and the
//     derive functions fill in what follows from other keys;
//  4. the check functions look at the values and at how they fit together. They touch neither the
//     network nor the disk.
//
// What a section needs for each step stands in one file, beside its struct: the files it names,
// what is derived, the rules.
//
// What the operator wrote is told apart from what is a default: defaults give way to each other (a
// short absolute lifetime shortens the default idle timeout), what was written is refused when it
// contradicts itself.
//
// No secret is ever part of a problem, a warning or the printed configuration. Text that came from
// the environment is quoted as it stands in the file, ${NAME}, because a password may end up in the
// wrong place.
package configs
