// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Page is a rule's page, taken apart.
type Page struct {
	// Title is the text of the first heading: the rule's ID.
	Title string
	// Summary is what stands between the title and the first section.
	Summary string
	// Sections are the texts below the headings of [PageHeadings].
	Sections []Section
}

// Section is one section of a page.
type Section struct{ Heading, Text string }

// Section returns the text below a heading, or "".
func (p *Page) Section(heading string) string {
	for _, s := range p.Sections {
		if s.Heading == heading {
			return s.Text
		}
	}
	return ""
}

// ParsePage takes a rule's page apart. It is an error if the page does not begin with a
// title, if its sections are not those of [PageHeadings] in that order, or if one is
// empty.
func ParsePage(text string) (*Page, error) {
	p := &Page{}
	var body *string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "# ") && p.Title == "":
			p.Title = strings.TrimSpace(line[2:])
			body = &p.Summary
		case strings.HasPrefix(line, "## "):
			p.Sections = append(p.Sections, Section{Heading: strings.TrimSpace(line[3:])})
			body = &p.Sections[len(p.Sections)-1].Text
		case body == nil && strings.TrimSpace(line) != "":
			return nil, errors.New(`its page must begin with the title, a line "# " and the rule's ID`)
		case body != nil:
			*body += line + "\n"
		}
	}
	p.Summary = strings.TrimSpace(p.Summary)
	var headings []string
	for i := range p.Sections {
		s := &p.Sections[i]
		s.Text = strings.TrimSpace(s.Text)
		headings = append(headings, s.Heading)
		if s.Text == "" {
			return nil, fmt.Errorf("section %q of its page is empty", s.Heading)
		}
	}
	if !slices.Equal(headings, PageHeadings) {
		return nil, fmt.Errorf("its page has the sections %q, not %q", headings, PageHeadings)
	}
	return p, nil
}
