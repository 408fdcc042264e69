// SPDX-License-Identifier: Apache-2.0

package report

// kept holds the messages of a run for formats that cannot be written as they come.
type kept struct {
	run       *Run
	rules     []*RuleMessage
	findings  []*FindingMessage
	undecided []*UndecidedMessage
	summary   *Summary
}

// keep takes a message and reports whether it was the last.
func (k *kept) keep(m Message) (last bool) {
	switch m := m.(type) {
	case *Run:
		k.run = m
	case *RuleMessage:
		k.rules = append(k.rules, m)
	case *FindingMessage:
		k.findings = append(k.findings, m)
	case *UndecidedMessage:
		k.undecided = append(k.undecided, m)
	case *Summary:
		k.summary = m
		if k.run == nil {
			k.run = &Run{}
		}
		return true
	}
	return false
}

// rule returns the rule of an ID, or an empty one.
func (k *kept) rule(id string) *RuleMessage {
	for _, r := range k.rules {
		if r.ID == id {
			return r
		}
	}
	return &RuleMessage{ID: id}
}
