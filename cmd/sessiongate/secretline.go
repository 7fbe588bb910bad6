package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"sessiongate/session/users"
)

// maxPasswordLine bounds what is read of a password, its line break included.
const maxPasswordLine = users.MaxPasswordBytes + 2

// readSecret reads one line. A terminal is asked with the prompt, and shows nothing of what is typed.
func readSecret(ctx context.Context, in io.Reader, hints io.Writer, prompt string) (line string, err error) {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(hints, prompt+": ")
		line, err = readHidden(ctx, int(f.Fd()))
		fmt.Fprintln(hints)
	} else {
		line, err = readLine(ctx, in)
	}
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if line == "" {
		return "", errors.New("no password on standard input: pipe one line in, as the command's --help shows")
	}
	return line, nil
}

// readLine reads a line, until ctx ends: nothing else ends the wait for a pipe that gives none.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	type answer struct {
		line string
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(io.LimitReader(in, maxPasswordLine+1)).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		read <- answer{line, err}
	}()
	select {
	case a := <-read:
		return a.line, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// readHidden reads a line of a terminal without echo, which is on again when ctx ends: whoever
// presses Ctrl-C wants the terminal back as it was.
func readHidden(ctx context.Context, fd int) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	type answer struct {
		line []byte
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		line, err := term.ReadPassword(fd)
		typed <- answer{line, err}
	}()
	select {
	case a := <-typed:
		return string(a.line), a.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}
