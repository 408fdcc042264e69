// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mivet/mivet"
)

// Promise says for how long a grant was meant, in the words of who made it.
type Promise struct {
	// Words are those of the description that promise an end.
	Words string `json:"words"`
	// Until is the last moment of the day, or month, that they name; zero where they name none.
	Until time.Time `json:"until,omitzero"`
}

// maxPromised is how long a grant may stay that is called temporary and names no day.
const maxPromised = 30 * 24 * time.Hour

// Broken reports whether a promise was not kept at a time, for a grant that was made at
// another; zero: it is not known when. One without a day is broken after thirty days. Where
// the answer hangs on when the grant was made, and that is not known, both are false.
func (p *Promise) Broken(made, now time.Time) (broken, decided bool) {
	switch {
	case !p.Until.IsZero():
		return now.After(p.Until), true
	case made.IsZero():
		return false, false
	}
	return now.After(made.Add(maxPromised)), true
}

var (
	promiseWords = regexp.MustCompile(`(?i)\b(temporar(?:y|ily)|temp|tmp|for now|for the time being|provisional(?:ly)?|interim|short[- ]term|hot ?fix|quick ?fix|work ?around|(?:to be|please|will be|should be) (?:removed|revoked|deleted)|(?:remove|revoke|delete) (?:after|me|when|once|by|this|it)|expires?|valid (?:to|until|till)|until|till|break ?glass)\b`)
	// Words before a date that make it an end. A date alone may be that of a ticket.
	endWords = regexp.MustCompile(`(?i)\b(until|till|expires?(?: on)?|ends?(?: on)?|valid (?:to|until|till)|through|(?:remove|revoke|delete)d?(?: (?:after|by|on))?|not after|by|demo (?:in|on))\s*[:=]?\s*$`)
	// Words before a date that make it a beginning, or somebody's number.
	beginWords = regexp.MustCompile(`(?i)\b(?:since|from|granted|created|added|made|opened|as of|ticket|incident|change|contract)(?:\s+(?:on|at|no\.?|of))?\s*[:=#]?\s*$`)

	isoDate   = regexp.MustCompile(`\b(\d{4})-(\d{2})(?:-(\d{2}))?\b`)
	dayMonth  = regexp.MustCompile(`(?i)\b(\d{1,2})(?:st|nd|rd|th|\.)?\s+(` + monthNames + `)\.?(?:,?\s+(\d{4}))?\b`)
	monthDay  = regexp.MustCompile(`(?i)\b(` + monthNames + `)\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?\b`)
	length    = regexp.MustCompile(`(?i)\bfor\s+(\d{1,3})\s*(hour|day|week|month)s?\b`)
	monthOnly = regexp.MustCompile(`(?i)\b(` + monthNames + `)\.?(?:\s+(\d{4}))?\b`)
)

const monthNames = `january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec`

// PromiseOf reads the description of a grant. It is nil where nothing in it promises an end.
// A day or a month without a year is the next one after the grant was made, and none where
// that is not known.
func PromiseOf(a *mivet.RoleAssignment) *Promise {
	text := strings.TrimSpace(a.Description)
	if text == "" {
		return nil
	}
	if until, at := endOf(text, a.CreatedOn); at >= 0 {
		return &Promise{Words: text, Until: until}
	}
	if promiseWords.MatchString(text) {
		return &Promise{Words: text}
	}
	return nil
}

// endOf finds a date that is said to be the end, and where it stands; -1: there is none.
func endOf(text string, made time.Time) (time.Time, int) {
	promised := promiseWords.MatchString(text)
	for _, read := range []func(string, time.Time) (time.Time, []int){readISO, readDayMonth, readMonthDay, readMonth, readLength} {
		until, at := read(text, made)
		if at != nil && (promised || length.MatchString(text) || endWords.MatchString(text[:at[0]])) && !beginWords.MatchString(text[:at[0]]) {
			return until, at[0]
		}
	}
	return time.Time{}, -1
}

func readISO(text string, _ time.Time) (time.Time, []int) {
	m := isoDate.FindStringSubmatchIndex(text)
	if m == nil {
		return time.Time{}, nil
	}
	year, month, day := number(text[m[2]:m[3]]), number(text[m[4]:m[5]]), 0
	if m[6] >= 0 {
		day = number(text[m[6]:m[7]])
	}
	return endOfDay(year, month, day), m
}

func readDayMonth(text string, made time.Time) (time.Time, []int) {
	m := dayMonth.FindStringSubmatchIndex(text)
	if m == nil {
		return time.Time{}, nil
	}
	return dated(text, m[6:8], monthOf(text[m[4]:m[5]]), number(text[m[2]:m[3]]), made), m
}

func readMonthDay(text string, made time.Time) (time.Time, []int) {
	m := monthDay.FindStringSubmatchIndex(text)
	if m == nil {
		return time.Time{}, nil
	}
	return dated(text, m[6:8], monthOf(text[m[2]:m[3]]), number(text[m[4]:m[5]]), made), m
}

func readMonth(text string, made time.Time) (time.Time, []int) {
	for _, m := range monthOnly.FindAllStringSubmatchIndex(text, -1) {
		// "may" and "mar" are words, too: a month stands behind a word of time, or has a year.
		if m[4] < 0 && !endWords.MatchString(text[:m[0]]) {
			continue
		}
		return dated(text, m[4:6], monthOf(text[m[2]:m[3]]), 0, made), m
	}
	return time.Time{}, nil
}

// readLength reads "for 2 weeks", counted from when the grant was made.
func readLength(text string, made time.Time) (time.Time, []int) {
	m := length.FindStringSubmatchIndex(text)
	if m == nil || made.IsZero() {
		return time.Time{}, nil
	}
	n := number(text[m[2]:m[3]])
	switch strings.ToLower(text[m[4]:m[5]]) {
	case "hour":
		return made.Add(time.Duration(n) * time.Hour), m
	case "day":
		return made.AddDate(0, 0, n), m
	case "week":
		return made.AddDate(0, 0, 7*n), m
	}
	return made.AddDate(0, n, 0), m
}

// dated is the end of a day, or of a month for day 0. Without a year it is the next one
// after the grant was made.
func dated(text string, year []int, month, day int, made time.Time) time.Time {
	if year[0] >= 0 {
		return endOfDay(number(text[year[0]:year[1]]), month, day)
	}
	if made.IsZero() {
		return time.Time{}
	}
	until := endOfDay(made.Year(), month, day)
	if until.Before(made) {
		until = endOfDay(made.Year()+1, month, day)
	}
	return until
}

// endOfDay is the last second of a day, of a month for day 0; zero for a date that is none.
func endOfDay(year, month, day int) time.Time {
	if month < 1 || month > 12 || day > 31 {
		return time.Time{}
	}
	next := time.Date(year, time.Month(month), day+1, 0, 0, 0, 0, time.UTC)
	if day == 0 {
		next = time.Date(year, time.Month(month)+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return next.Add(-time.Second)
}

func monthOf(name string) int {
	for m := time.January; m <= time.December; m++ {
		if len(name) >= 3 && strings.EqualFold(name[:3], m.String()[:3]) {
			return int(m)
		}
	}
	return 0
}

func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
