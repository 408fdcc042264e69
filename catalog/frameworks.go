// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"fmt"
	"strings"
)

const (
	tableFrameworks  = "framework-controls"
	frameworkColumns = "framework\tname\tsource\tid\ttitle"

	tableClasses = "finding-classes"
	classColumns = "class\tcontrols\tnote"

	tableSuccessions  = "csf-successors"
	successionColumns = "old\tnew\tconfirmed"
)

// The identifiers of the frameworks.
const (
	FrameworkOWASP   = "owasp"   // OWASP Non-Human Identities Top 10, 2025
	FrameworkCSF     = "csf"     // NIST Cybersecurity Framework 2.0
	FrameworkMAESTRO = "maestro" // CSA MAESTRO: layers L1… and threats T2…
	FrameworkATTACK  = "attack"  // MITRE ATT&CK techniques
	FrameworkMCSB    = "mcsb"    // Microsoft Cloud Security Benchmark
	FrameworkCIS     = "cis"     // CIS Microsoft Azure Foundations 6.0.0; numbers move between versions
)

// Framework is a published list of controls or risks.
type Framework struct {
	// ID is one of the constants above; Name is the name with its version.
	ID, Name string
	// Source is where identifiers and titles were read.
	Source string
	// Controls are those that findings can map to, in the publisher's order.
	Controls []Control
}

// Control is one entry of a framework. The titles are the publishers', except those of
// CIS, which are labels of our own.
type Control struct{ ID, Title string }

// ControlRef names a control of a framework.
type ControlRef struct{ Framework, ID string }

// String returns "framework:ID".
func (r ControlRef) String() string { return r.Framework + ":" + r.ID }

// FindingClass maps a sort of finding to controls. The mapping is our own judgement: no
// publisher maps these findings.
type FindingClass struct {
	ID       string
	Controls []ControlRef
	Note     string
}

// Succession says which subcategories of NIST CSF 2.0 took the place of one of 1.1.
type Succession struct {
	Old string
	New []string
	// Confirmed is true where a published mapping says so, false where it is our reading.
	Confirmed bool
}

// Frameworks returns the frameworks with the controls that findings can map to.
func (c *Catalog) Frameworks() []Framework { return c.frameworks }

// Control returns a control; ok is false where the framework or the control is not known.
func (c *Catalog) Control(ref ControlRef) (control Control, ok bool) {
	for i := range c.frameworks {
		if c.frameworks[i].ID != ref.Framework {
			continue
		}
		for _, control := range c.frameworks[i].Controls {
			if control.ID == ref.ID {
				return control, true
			}
		}
	}
	return Control{}, false
}

// FindingClasses returns the mapped classes of findings, ordered by ID.
func (c *Catalog) FindingClasses() []FindingClass { return c.classes }

// FindingClass returns a class of findings, or nil where it is not mapped.
func (c *Catalog) FindingClass(id string) *FindingClass {
	for i := range c.classes {
		if c.classes[i].ID == id {
			return &c.classes[i]
		}
	}
	return nil
}

// CSFSuccessions returns the known successors of subcategories of NIST CSF 1.1.
func (c *Catalog) CSFSuccessions() []Succession { return c.successions }

func (c *Catalog) readFrameworks(r *reader) error {
	return r.table(tableFrameworks, frameworkColumns, func(int) {}, func(f []string) error {
		last := len(c.frameworks) - 1
		if last < 0 || c.frameworks[last].ID != f[0] {
			c.frameworks = append(c.frameworks, Framework{ID: f[0], Name: f[1], Source: f[2]})
			last++
		}
		c.frameworks[last].Controls = append(c.frameworks[last].Controls, Control{ID: f[3], Title: f[4]})
		return nil
	})
}

// readClasses runs after readFrameworks: a class may name known controls only.
func (c *Catalog) readClasses(r *reader) error {
	return r.table(tableClasses, classColumns, func(rows int) {
		c.classes = make([]FindingClass, 0, rows)
	}, func(f []string) error {
		class := FindingClass{ID: f[0], Note: f[2]}
		for _, s := range list(f[1]) {
			framework, id, _ := strings.Cut(s, ":")
			ref := ControlRef{framework, id}
			if _, ok := c.Control(ref); !ok {
				return fmt.Errorf("class %s names the control %s, which no framework has", f[0], s)
			}
			class.Controls = append(class.Controls, ref)
		}
		c.classes = append(c.classes, class)
		return nil
	})
}

func (c *Catalog) readSuccessions(r *reader) error {
	return r.table(tableSuccessions, successionColumns, func(rows int) {
		c.successions = make([]Succession, 0, rows)
	}, func(f []string) error {
		confirmed, err := flag(f[2])
		if err != nil {
			return fmt.Errorf("confirmed: %w", err)
		}
		c.successions = append(c.successions, Succession{Old: f[0], New: list(f[1]), Confirmed: confirmed})
		return nil
	})
}
