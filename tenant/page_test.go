// SPDX-License-Identifier: Apache-2.0

package tenant

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// The page names every statement, attribute and flag, and its examples are texts.
func TestPage(t *testing.T) {
	b, err := os.ReadFile("../docs/tenant-text.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	for _, keyword := range keywords() {
		if !regexp.MustCompile("[`{ |]" + regexp.QuoteMeta(keyword) + "[` ]").MatchString(page) {
			t.Errorf("the page does not name the statement %s", keyword)
		}
		p := specOf(keyword, aliasOf(keyword))
		for _, word := range slices.Concat(p.keys, p.flags) {
			if !regexp.MustCompile("[`\\[ |]" + regexp.QuoteMeta(word) + "[`= \\]]").MatchString(page) {
				t.Errorf("the page does not name %s of %s", word, keyword)
			}
		}
	}
	// What the second example refers to stands in the first.
	examples := regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(examples) != 2 {
		t.Fatalf("%d examples", len(examples))
	}
	parseString(t, examples[0][1]+examples[1][1])
}
