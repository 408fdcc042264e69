// SPDX-License-Identifier: Apache-2.0

package logs

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/mivet/mivet"
)

//go:embed operations.tsv
var operationText string

const operationColumns = "service\toperation\taction\tplane\tscope\tbasis"

// operation is what an operation of a log asks for.
type operation struct {
	action []byte // empty: none
	plane  mivet.Plane
	reason Reason // where there is no action
	object bool   // asked at the object, not at the account
}

// service is the operations of one service by their name.
type service struct {
	exact map[string]*operation
	fold  map[string]*operation
}

func (s *service) add(name string, op *operation) {
	s.exact[name] = op
	s.fold[strings.ToLower(name)] = op
}

// find returns the operation of that name, whatever its letter case, or nil.
func (s *service) find(name []byte) *operation {
	if s == nil {
		return nil
	}
	if op := s.exact[string(name)]; op != nil {
		return op
	}
	const longest = 64
	if len(name) > longest {
		return nil
	}
	var b [longest]byte
	return s.fold[string(lower(b[:0], name))]
}

// catalogue is the table of operations, ready to be asked.
type catalogue struct {
	services map[string]*service
	planes   map[string]mivet.Plane // of an action in lower case
	written  map[string]mivet.Plane // of an action in its own letter case

	vault, hsm, blob, dfs, bus, hubs, cosmos, config *service
}

var builtIn = sync.OnceValues(func() (*catalogue, error) { return readOperations(operationText) })

// readOperations reads the table. Lines that begin with "#" say where it is from.
func readOperations(text string) (*catalogue, error) {
	c := &catalogue{services: map[string]*service{}, planes: map[string]mivet.Plane{}, written: map[string]mivet.Plane{}}
	n, header := 0, false
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
			continue
		case !header:
			if line != operationColumns {
				return nil, fmt.Errorf("reading the table of operations: line %d: columns %q, expected %q", n, line, operationColumns)
			}
			header = true
			continue
		}
		if err := c.row(strings.Split(line, "\t")); err != nil {
			return nil, fmt.Errorf("reading the table of operations: line %d: %w", n, err)
		}
	}
	for name, to := range map[string]**service{
		"keyvault": &c.vault, "managedhsm": &c.hsm, "blob": &c.blob, "dfs": &c.dfs, "servicebus": &c.bus, "eventhub": &c.hubs,
		"cosmos": &c.cosmos, "appconfiguration": &c.config,
	} {
		if *to = c.services[name]; *to == nil {
			return nil, fmt.Errorf("reading the table of operations: no operation of %s", name)
		}
	}
	return c, nil
}

func (c *catalogue) row(f []string) error {
	if len(f) != strings.Count(operationColumns, "\t")+1 {
		return fmt.Errorf("%d fields, expected %d", len(f), strings.Count(operationColumns, "\t")+1)
	}
	op := operation{object: f[4] == "object"}
	switch f[3] {
	case "control":
		op.plane = mivet.PlaneControl
	case "data":
		op.plane = mivet.PlaneData
	case "system":
		op.reason = OfPlatform
	case "none":
		op.reason = Unauthenticated
	default:
		return fmt.Errorf("plane %q is none of control, data, system and none", f[3])
	}
	if (f[2] == "") == (op.reason == NoReason) {
		return fmt.Errorf("plane %q with action %q", f[3], f[2])
	}
	if f[2] != "" {
		op.action = []byte(f[2])
		for alternative := range strings.SplitSeq(f[2], " | ") {
			for a := range strings.SplitSeq(alternative, " + ") {
				c.planes[strings.ToLower(a)] = op.plane
				c.written[a] = op.plane
			}
		}
	}
	s := c.services[f[0]]
	if s == nil {
		s = &service{exact: map[string]*operation{}, fold: map[string]*operation{}}
		c.services[f[0]] = s
	}
	s.add(f[1], &op)
	return nil
}

// lower appends b with its ASCII letters in lower case.
func lower(to, b []byte) []byte {
	for _, c := range b {
		if c-'A' <= 'Z'-'A' {
			c |= 0x20
		}
		to = append(to, c)
	}
	return to
}
