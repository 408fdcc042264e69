// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/snapshot"
	"github.com/mivet/mivet/tenant"
)

// headSize is how many of a file's first bytes are looked at to recognise it.
const headSize = 64 << 10

// source is one file or stream.
type source struct {
	name string
	head []byte
	text io.Reader
	// at and size are set for what can be read at any place.
	at    io.ReaderAt
	size  int64
	named bool // the user named it, it was not found in a folder
}

// inputFormat is a sort of file that can be recognised.
type inputFormat struct {
	name string
	is   func(s *source) bool
	// read is nil for files that are recognised and cannot be read; why says so then.
	read func(ctx context.Context, a *app, s *source) (*mivet.Snapshot, error)
	why  string
}

// inputFormats are tried in this order.
func inputFormats() []inputFormat {
	return []inputFormat{
		{name: "snapshot", is: func(s *source) bool { return snapshot.Is(s.head) }, read: readSnapshot},
		{name: "tenant text", is: isTenantText, read: readTenantText},
	}
}

func formatOf(s *source) *inputFormat {
	for _, f := range inputFormats() {
		if f.is(s) {
			return &f
		}
	}
	return nil
}

// readable names what can be read, for messages.
func readable() []string {
	var names []string
	for _, f := range inputFormats() {
		if f.read != nil {
			names = append(names, f.name+"s")
		}
	}
	return names
}

// readSnapshot reads a snapshot. It needs to be read at any place, so a stream is first
// copied to a file that nobody else sees.
func readSnapshot(_ context.Context, _ *app, s *source) (snap *mivet.Snapshot, err error) {
	if s.at == nil {
		spool, err := os.CreateTemp("", "mivet-*")
		if err != nil {
			return nil, fmt.Errorf("copying %s: %w", s.name, err)
		}
		defer os.Remove(spool.Name()) //nolint:errcheck // a copy of nothing that is lost
		defer spool.Close()           //nolint:errcheck // it was only read since
		if s.size, err = io.Copy(spool, s.text); err != nil {
			return nil, fmt.Errorf("copying %s: %w", s.name, err)
		}
		s.at = spool
	}
	snap, err = snapshot.Read(s.at, s.size, snapshot.ReadOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", s.name, err)
	}
	return snap, nil
}

// isTenantText recognises a text. JSON is none, even where its first words could be.
func isTenantText(s *source) bool {
	trimmed := bytes.TrimLeft(s.head, " \t\r\n")
	return !bytes.HasPrefix(trimmed, []byte("{")) && !bytes.HasPrefix(trimmed, []byte("[")) && tenant.Is(s.head)
}

// readTenantText reads a text, with the built-in roles at hand.
func readTenantText(_ context.Context, a *app, s *source) (*mivet.Snapshot, error) {
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range cat.Roles() {
		names = append(names, r.Name)
	}
	role := func(name string) (mivet.RoleID, bool) {
		if r := cat.RoleByName(name); r != nil {
			return r.ID, true
		}
		return "", false
	}
	return tenant.Parse(s.name, s.text, tenant.Options{Role: role, RoleNames: names})
}
