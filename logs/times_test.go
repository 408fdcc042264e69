// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestReadTime(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v.UTC()
	}
	for text, want := range map[string]time.Time{
		"2024-04-03T14:03:10.7886260Z":      at("2024-04-03T14:03:10.7886260Z"),
		"2024-02-29T23:59:59Z":              at("2024-02-29T23:59:59Z"),
		"2000-02-29T00:00:00.1Z":            at("2000-02-29T00:00:00.1Z"),
		"2022-01-24T04:59:58.1571548+00:00": at("2022-01-24T04:59:58.1571548Z"),
		"2022-01-24T04:59:58+02:00":         at("2022-01-24T02:59:58Z"),
		"2022-01-24T04:59:58.5":             at("2022-01-24T04:59:58.5Z"),
		"2022-01-24 04:59:58":               at("2022-01-24T04:59:58Z"),
		"1/1/2021 8:40:06 PM +00:00":        at("2021-01-01T20:40:06Z"),
		"3/24/2022 2:42:35 PM":              at("2022-03-24T14:42:35Z"),
		"3/24/2022 14:42:35":                at("2022-03-24T14:42:35Z"),
		"9/28/2026, 10:42:07.000 AM":        at("2026-09-28T10:42:07Z"),
		"Fri, 23 Jun 2017 19:29:50.266 GMT": at("2017-06-23T19:29:50.266Z"),
	} {
		if got, ok := readTime([]byte(text)); !ok || !got.Equal(want) {
			t.Errorf("%s: %v %v, expected %v", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", "now", "2024-13-03T14:03:10Z", "2024-04-31T14:03:10Z", "2023-02-29T14:03:10Z", "1900-02-29T14:03:10Z", "2024-04-03T24:03:10Z",
		"2024-04-03T14:60:10Z", "2024-04-03T14:03:60Z", "2024-04-03T14:03:10.Z", "2024-04-03T14:03:10.xZ", "2024-04-03T14:03:10xZ", "20x4-04-03T14:03:10Z",
		"2024-04-03T14:03:10.7886260Z and a text that is longer than any time",
	} {
		if got, ok := readTime([]byte(text)); ok {
			t.Errorf("%q: %v, expected none", text, got)
		}
	}
}

func TestQuickTimeAgainstStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "nano")).UTC()
		text := v.Format(time.RFC3339Nano)
		if got, ok := quickTime([]byte(text)); !ok || !got.Equal(v) {
			t.Fatalf("%s: %v %v", text, got, ok)
		}
	})
}
