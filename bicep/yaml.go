// SPDX-License-Identifier: Apache-2.0

package bicep

import (
	"errors"
	"strconv"

	"go.yaml.in/yaml/v4"

	"github.com/mivet/mivet/armtemplate"
)

// maxYAML bounds the values of one file, repeated ones counted as often as they occur.
const maxYAML = 100_000

// parseYAML reads YAML as JSON.
func parseYAML(file, content string) (*armtemplate.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(content), &doc); err != nil {
		return nil, err
	}
	y := yamlReader{file: file}
	if len(doc.Content) == 0 {
		return &armtemplate.Node{Pos: armtemplate.Pos{File: file, Line: 1, Column: 1}}, nil
	}
	return y.node(doc.Content[0], 0)
}

type yamlReader struct {
	file  string
	count int
}

var errLargeYAML = errors.New("it has too many values, or they lie too deep in one another")

func (y *yamlReader) node(n *yaml.Node, depth int) (*armtemplate.Node, error) {
	if y.count++; y.count > maxYAML || depth > maxDepth {
		return nil, errLargeYAML
	}
	p := armtemplate.Pos{File: y.file, Line: int32(n.Line), Column: int32(n.Column)}
	switch n.Kind {
	case yaml.AliasNode:
		return y.node(n.Alias, depth+1)
	case yaml.SequenceNode:
		items := make([]*armtemplate.Node, 0, len(n.Content))
		for _, c := range n.Content {
			item, err := y.node(c, depth+1)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		return armtemplate.ArrayNode(p, items...), nil
	case yaml.MappingNode:
		list := make([]armtemplate.Member, 0, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			value, err := y.node(n.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, armtemplate.Member{Name: n.Content[i].Value, Value: value, Pos: p})
		}
		return armtemplate.ObjectNode(p, unique(list)...), nil
	default:
		return yamlScalar(n, p), nil
	}
}

func yamlScalar(n *yaml.Node, p armtemplate.Pos) *armtemplate.Node {
	switch n.ShortTag() {
	case "!!null":
		return &armtemplate.Node{Kind: armtemplate.NodeNull, Pos: p}
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			return &armtemplate.Node{Kind: armtemplate.NodeBool, Bool: b, Pos: p}
		}
	case "!!int":
		var i int64
		if n.Decode(&i) == nil {
			return number(p, i)
		}
	case "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && f-f == 0 {
			return &armtemplate.Node{Kind: armtemplate.NodeNumber, Text: strconv.FormatFloat(f, 'g', -1, 64), Pos: p}
		}
	}
	return &armtemplate.Node{Kind: armtemplate.NodeString, Text: n.Value, Pos: p}
}
