package configs

import (
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// joinColons puts together what the lexer takes apart: in a list inside braces it reads urn:x as a
// key with a value. A colon is part of a plain text unless a blank or a bracket follows (YAML 1.2
// section 7.3.3).
func joinColons(tokens token.Tokens) token.Tokens {
	var open []token.Type // the brackets around
	joined := make(token.Tokens, 0, len(tokens))
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open = append(open, t.Type)
		case token.SequenceEndType, token.MappingEndType:
			open = open[:max(0, len(open)-1)]
		case token.MappingValueType:
			inList := len(open) > 0 && open[len(open)-1] == token.SequenceStartType
			if inList && len(joined) > 0 && i+1 < len(tokens) && touch(joined[len(joined)-1], t) && touch(t, tokens[i+1]) {
				last, next := joined[len(joined)-1], tokens[i+1]
				last.Type, last.Value, last.Origin = token.StringType, last.Value+":"+next.Value, last.Origin+":"+next.Origin
				if i++; i+1 < len(tokens) {
					last.Next, tokens[i+1].Prev = tokens[i+1], last
				}
				continue
			}
		}
		joined = append(joined, t)
	}
	return joined
}

// touch reports whether b begins right where a ends; both are plain text, or the colon between.
func touch(a, b *token.Token) bool {
	return plainText(a) && plainText(b) && a.Position.Line == b.Position.Line &&
		a.Position.Column+utf8.RuneCountInString(a.Value) == b.Position.Column
}

func plainText(t *token.Token) bool {
	switch t.Type {
	case token.StringType, token.IntegerType, token.FloatType, token.BoolType, token.NullType, token.MappingValueType:
		return true
	}
	return false
}
