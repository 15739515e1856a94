package webui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	yaml "github.com/oasdiff/yaml3"
)

// jsonOf returns a YAML document as JSON with the keys in their order, which says more to a reader
// than the alphabet does and which libraries that go through a map lose.
func jsonOf(document []byte) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	var out bytes.Buffer
	if err := writeJSON(&out, &root); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func writeJSON(out *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.DocumentNode:
		return writeJSON(out, n.Content[0])
	case yaml.AliasNode:
		return writeJSON(out, n.Alias)
	case yaml.SequenceNode:
		return writeList(out, '[', ']', n.Content, ",")
	case yaml.MappingNode:
		return writeList(out, '{', '}', n.Content, ":,")
	case yaml.ScalarNode:
		var value any
		if err := n.Decode(&value); err != nil {
			return fmt.Errorf("line %d: %w", n.Line, err)
		}
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("line %d: %w", n.Line, err)
		}
		out.Write(text)
		return nil
	}
	return errors.New("no YAML document")
}

// writeList writes the nodes with the separators between them in turn.
func writeList(out *bytes.Buffer, open, end byte, nodes []*yaml.Node, separators string) error {
	out.WriteByte(open)
	for i, n := range nodes {
		if i > 0 {
			out.WriteByte(separators[(i-1)%len(separators)])
		}
		// A key is text in JSON, also where it looks like a number, as the statuses of answers may.
		if len(separators) > 1 && i%2 == 0 {
			key, err := json.Marshal(n.Value)
			if err != nil {
				return fmt.Errorf("line %d: %w", n.Line, err)
			}
			out.Write(key)
			continue
		}
		if err := writeJSON(out, n); err != nil {
			return err
		}
	}
	out.WriteByte(end)
	return nil
}
