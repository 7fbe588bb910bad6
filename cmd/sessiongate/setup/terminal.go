package setup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Terminal is whom questions are asked.
type Terminal interface {
	// Line asks for one line. An empty one is the fallback.
	Line(ctx context.Context, prompt, fallback string) (string, error)
	// Secret asks for one line that is not shown. It may be empty.
	Secret(ctx context.Context, prompt string) (string, error)
	// Say shows text.
	Say(text string)
}

// ErrGone says that whoever was asked went away.
var ErrGone = errors.New("init: no answer; nothing was written")

// console is a terminal on files.
type console struct {
	in     *os.File
	lines  *bufio.Reader
	out    io.Writer
	hidden func(ctx context.Context, fd int) (string, error)
}

// OpenTerminal returns the terminal of a command, or nil if there is none: questions go to where
// messages go, and both have to be seen by somebody. hidden reads a line without echo.
func OpenTerminal(in io.Reader, out io.Writer, hidden func(context.Context, int) (string, error)) Terminal {
	from, isFile := in.(*os.File)
	to, isFile2 := out.(*os.File)
	if !isFile || !isFile2 || !term.IsTerminal(int(from.Fd())) || !term.IsTerminal(int(to.Fd())) {
		return nil
	}
	return &console{from, bufio.NewReader(from), to, hidden}
}

func (c *console) Say(text string) { fmt.Fprintln(c.out, text) }

func (c *console) Line(ctx context.Context, prompt, fallback string) (string, error) {
	if fallback != "" {
		prompt += " [" + fallback + "]"
	}
	fmt.Fprint(c.out, prompt+": ")
	type reply struct {
		line string
		err  error
	}
	typed := make(chan reply, 1)
	go func() {
		line, err := c.lines.ReadString('\n')
		typed <- reply{line, err}
	}()
	select {
	case r := <-typed:
		line := strings.TrimSpace(r.line)
		switch {
		case r.err != nil: // Ctrl-D, or the terminal was closed
			fmt.Fprintln(c.out)
			return "", ErrGone
		case line == "":
			return fallback, nil
		}
		return line, nil
	case <-ctx.Done():
		fmt.Fprintln(c.out)
		return "", fmt.Errorf("init: %w", ctx.Err())
	}
}

func (c *console) Secret(ctx context.Context, prompt string) (string, error) {
	fmt.Fprint(c.out, prompt+": ")
	line, err := c.hidden(ctx, int(c.in.Fd()))
	fmt.Fprintln(c.out)
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("init: %w", ctx.Err())
	case err != nil:
		return "", ErrGone
	}
	return line, nil
}
