// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/provenance"
	"github.com/mivet/mivet/tenant"
)

var roles = map[string]mivet.RoleID{
	"Key Vault Secrets User": secretsUser, "Contributor": contributor, "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
}

func read(t *testing.T, text string) *mivet.Snapshot {
	t.Helper()
	s, err := tenant.Parse("t.tenant", strings.NewReader(text), tenant.Options{Role: func(n string) (mivet.RoleID, bool) {
		id, ok := roles[n]
		return id, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// entries adds the entries of a text to the log.
func entries(t *testing.T, l *provenance.Log, text string) {
	t.Helper()
	r, err := logs.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	file := &mivet.Origin{File: "activity.json"}
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		l.Add(e, r.Text(), mivet.Source{Origin: file, Line: r.Line()})
	}
}

func when(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func id(t *testing.T, s string) arm.ID {
	t.Helper()
	v, err := arm.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
