// SPDX-License-Identifier: Apache-2.0

package logs

import "time"

// layouts are the forms of a time beyond RFC 3339 that entries were seen with: runtime
// audits, risk events, and columns of Log Analytics.
var layouts = []string{
	"1/2/2006 3:04:05 PM -07:00", "1/2/2006 3:04:05 PM", "1/2/2006 15:04:05", "1/2/2006, 3:04:05 PM", "Mon, 2 Jan 2006 15:04:05 MST",
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
}

// readTime reads a time; UTC where no offset is written.
func readTime(b []byte) (time.Time, bool) {
	if t, ok := quickTime(b); ok {
		return t, true
	}
	const longest = 40
	if len(b) == 0 || len(b) > longest {
		return time.Time{}, false
	}
	text := string(b)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// quickTime reads 2006-01-02T15:04:05Z with up to nine decimals.
func quickTime(b []byte) (time.Time, bool) {
	const shortest = len("2006-01-02T15:04:05Z")
	if len(b) < shortest || len(b) > shortest+10 ||
		b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[len(b)-1] != 'Z' {
		return time.Time{}, false
	}
	year, ok1 := decimal(b[0:4])
	month, ok2 := decimal(b[5:7])
	day, ok3 := decimal(b[8:10])
	hour, ok4 := decimal(b[11:13])
	minute, ok5 := decimal(b[14:16])
	second, ok6 := decimal(b[17:19])
	nanos, ok7 := fraction(b[19 : len(b)-1])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7) ||
		month < 1 || month > 12 || day < 1 || day > 28 && day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	return time.Unix(daysBefore(year, month, day)*86400+int64(hour*3600+minute*60+second), int64(nanos)).UTC(), true
}

func decimal(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// fraction reads ".7886260" as nanoseconds; nothing is zero.
func fraction(b []byte) (nanos int, ok bool) {
	if len(b) == 0 {
		return 0, true
	}
	if len(b) == 1 || b[0] != '.' {
		return 0, false
	}
	n, ok := decimal(b[1:])
	for range 10 - len(b) {
		n *= 10
	}
	return n, ok
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	default:
		return 31
	}
}

// daysBefore counts the days from 1970-01-01 to a date of the Gregorian calendar. The year
// begins in March, so that the leap day is its last.
func daysBefore(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	days := 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1
	const toEpoch = 719468 // days from 0000-03-01 to 1970-01-01
	return int64(days - toEpoch)
}
