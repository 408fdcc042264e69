// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Writings of times that .NET reads and that occur in templates.
var timeLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
	"20060102T150405Z07:00", "2006-01-02", "1/2/2006 3:04:05 PM", "1/2/2006 15:04:05", "1/2/2006", time.RFC1123,
}

func parseTime(s string) (time.Time, error) {
	for _, l := range timeLayouts {
		if t, err := time.Parse(l, strings.TrimSpace(s)); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write it as 2006-01-02T15:04:05Z", cut(s, 60))
}

// utcNow is known only where the caller gave a time.
func utcNow(c *call) (Value, error) {
	form := "yyyyMMddTHHmmssZ"
	if len(c.args) == 1 {
		s, ok := c.args[0].(String)
		if !ok {
			return c.unknown(KindString), nil
		}
		form = string(s)
	}
	if c.ev.opts.Now.IsZero() {
		u := NewUnknown("utcNow("+argText(String(form))+")", KindString, Origin{Kind: OriginTime, Name: "utcNow"})
		u.direct = false
		return u, nil
	}
	s, err := formatTime(c.ev.opts.Now.UTC(), form)
	return String(s), err
}

// dateTimeAdd adds a duration of ISO 8601 to a time
// (template-functions-date.md#datetimeadd).
func dateTimeAdd(c *call) (Value, error) {
	base, err := c.str(0)
	if err != nil {
		return nil, err
	}
	t, err := parseTime(base)
	if err != nil {
		return nil, err
	}
	d, err := c.str(1)
	if err != nil {
		return nil, err
	}
	if t, err = addDuration(t, d); err != nil {
		return nil, err
	}
	form := "M/d/yyyy h:mm:ss tt"
	if len(base) == len("2006-01-02T15:04:05Z") && base[10] == 'T' && base[19] == 'Z' {
		form = "yyyy-MM-ddTHH:mm:ssZ" // the format of the base is kept
	}
	if len(c.args) == 3 {
		if form, err = c.str(2); err != nil {
			return nil, err
		}
	}
	s, err := formatTime(t, form)
	return String(s), err
}

const maxDurationPart = 1_000_000

// addDuration adds "P1Y2M3DT4H5M6S" or "-P1D".
func addDuration(t time.Time, text string) (time.Time, error) {
	bad := fmt.Errorf("%q is no duration; write it as P1DT2H", cut(text, 60))
	s, negative := strings.CutPrefix(text, "-")
	s, ok := strings.CutPrefix(s, "P")
	if !ok || s == "" {
		return t, bad
	}
	sign, inTime := 1, false
	if negative {
		sign = -1
	}
	for s != "" {
		if s[0] == 'T' && !inTime {
			inTime, s = true, s[1:]
			continue
		}
		i := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if i <= 0 {
			return t, bad
		}
		n, err := strconv.ParseFloat(s[:i], 64)
		if err != nil || n > maxDurationPart {
			return t, bad
		}
		if t, err = addPart(t, sign, n, s[i], inTime); err != nil {
			return t, bad
		}
		s = s[i+1:]
	}
	return t, nil
}

func addPart(t time.Time, sign int, n float64, unit byte, inTime bool) (time.Time, error) {
	whole := sign * int(n)
	switch {
	case unit == 'Y' && !inTime:
		return t.AddDate(0, 0, 365*whole), nil // as XmlConvert.ToTimeSpan counts years
	case unit == 'M' && !inTime:
		return t.AddDate(0, 0, 30*whole), nil
	case unit == 'W' && !inTime:
		return t.AddDate(0, 0, 7*whole), nil
	case unit == 'D' && !inTime:
		return t.AddDate(0, 0, whole), nil
	case unit == 'H' && inTime:
		return t.Add(time.Duration(sign) * time.Duration(n*float64(time.Hour))), nil
	case unit == 'M' && inTime:
		return t.Add(time.Duration(sign) * time.Duration(n*float64(time.Minute))), nil
	case unit == 'S' && inTime:
		return t.Add(time.Duration(sign) * time.Duration(n*float64(time.Second))), nil
	default:
		return t, errors.New("unknown unit")
	}
}

func dateTimeFromEpoch(c *call) (Value, error) {
	n, err := c.int(0)
	if err != nil {
		return nil, err
	}
	if n < -62135596800 || n > 253402300799 {
		return nil, errors.New("the time lies outside of the years 1 to 9999")
	}
	return String(time.Unix(n, 0).UTC().Format("2006-01-02T15:04:05Z")), nil
}

func dateTimeToEpoch(c *call) (Value, error) {
	s, err := c.str(0)
	if err != nil {
		return nil, err
	}
	t, err := parseTime(s)
	return Int(t.Unix()), err
}

// Standard formats of .NET in terms of custom ones.
var standardTimes = map[string]string{
	"d": "MM/dd/yyyy", "D": "dddd, dd MMMM yyyy", "f": "dddd, dd MMMM yyyy HH:mm", "F": "dddd, dd MMMM yyyy HH:mm:ss",
	"g": "MM/dd/yyyy HH:mm", "G": "MM/dd/yyyy HH:mm:ss", "m": "MMMM dd", "M": "MMMM dd", "o": "yyyy-MM-ddTHH:mm:ss.fffffffZ",
	"O": "yyyy-MM-ddTHH:mm:ss.fffffffZ", "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'", "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
	"s": "yyyy-MM-ddTHH:mm:ss", "t": "HH:mm", "T": "HH:mm:ss", "u": "yyyy-MM-dd HH:mm:ssZ", "y": "yyyy MMMM", "Y": "yyyy MMMM",
	"U": "dddd, dd MMMM yyyy HH:mm:ss",
}

// Custom format specifiers of .NET, the longest of each letter first.
var timeParts = []struct{ net, layout string }{
	{"yyyy", "2006"},
	{"yy", "06"},
	{"MMMM", "January"},
	{"MMM", "Jan"},
	{"MM", "01"},
	{"M", "1"},
	{"dddd", "Monday"},
	{"ddd", "Mon"},
	{"dd", "02"},
	{"d", "2"},
	{"HH", "15"},
	{"hh", "03"},
	{"h", "3"},
	{"mm", "04"},
	{"m", "4"},
	{"ss", "05"},
	{"s", "5"},
	{"tt", "PM"},
	{"zzz", "-07:00"},
	{"zz", "-07"},
	{"K", "Z07:00"},
}

// formatTime prints a time in a format of .NET with the invariant culture.
func formatTime(t time.Time, form string) (string, error) {
	if custom, ok := standardTimes[form]; ok {
		form = custom
	}
	form = strings.TrimPrefix(form, "%")
	var b strings.Builder
	for form != "" {
		n, err := writeTimePart(&b, t, form)
		if err != nil {
			return "", err
		}
		form = form[n:]
	}
	return b.String(), nil
}

// writeTimePart writes what the format begins with and returns how much of it that was.
func writeTimePart(b *strings.Builder, t time.Time, form string) (int, error) {
	switch c := form[0]; c {
	case '\'', '"':
		end := strings.IndexByte(form[1:], c)
		if end < 0 {
			return 0, errors.New("a quote in the format of the time does not end")
		}
		b.WriteString(form[1 : 1+end])
		return end + 2, nil
	case '\\':
		if len(form) > 1 {
			b.WriteByte(form[1])
		}
		return min(2, len(form)), nil
	case 'f', 'F':
		n := len(form) - len(strings.TrimLeft(form, string(c)))
		if n > 7 {
			return 0, errors.New("the format of the time has more than seven digits of a second")
		}
		digits := fmt.Sprintf("%07d", t.Nanosecond()/100)[:n]
		if c == 'F' {
			digits = strings.TrimRight(digits, "0")
		}
		b.WriteString(digits)
		return n, nil
	case 'H':
		if !strings.HasPrefix(form, "HH") {
			b.WriteString(strconv.Itoa(t.Hour()))
			return 1, nil
		}
	}
	for _, p := range timeParts {
		if strings.HasPrefix(form, p.net) {
			b.WriteString(t.Format(p.layout))
			return len(p.net), nil
		}
	}
	b.WriteByte(form[0])
	return 1, nil
}
