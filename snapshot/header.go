// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The version that is written. See the package comment for what the numbers mean.
const (
	Major = 1
	Minor = 0
)

const formatName = "mivet-snapshot"

// HeadSize is how many of a file's first bytes [Is] needs.
const HeadSize = 64

// headerStart is what the content of every file begins with, in all versions.
const headerStart = `{"kind":"header","format":"` + formatName + `"`

// headerPlace is where the content begins: behind the head of the stored frame and the
// head of its block.
const headerPlace = 4 + 1 + 4 + blockHeader

// Is reports whether a file that begins with these bytes is a snapshot, of whatever
// version. It needs [HeadSize] bytes.
func Is(head []byte) bool {
	return len(head) > headerPlace && binary.LittleEndian.Uint32(head) == frameMagic &&
		bytes.HasPrefix(head[headerPlace:], []byte(headerStart))
}

// Header is what a file says of itself.
type Header struct {
	// Version is the version of the format, such as "1.0". It is not set by the caller.
	Version string
	// TakenAt is when the snapshot was taken; zero where that is not known.
	TakenAt time.Time
	// TenantID is the directory; empty where it is not known.
	TenantID string
	// Inputs names what it was read from.
	Inputs []string
	// Tool is the name and version of the program that wrote the file.
	Tool string
	// KeyID names the key of the digests in the file; empty where there are none.
	KeyID string
}

// headerRecord is the form of a header in a file.
type headerRecord struct {
	Kind    string    `json:"kind"`
	Format  string    `json:"format"`
	Version string    `json:"version"`
	TakenAt time.Time `json:"takenAt,omitzero"`
	Tenant  string    `json:"tenant,omitzero"`
	Inputs  []string  `json:"inputs,omitzero"`
	Tool    string    `json:"tool,omitzero"`
	KeyID   string    `json:"keyId,omitzero"`
}

func (h Header) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(headerRecord{
		Kind: "header", Format: formatName, Version: fmt.Sprintf("%d.%d", Major, Minor),
		TakenAt: h.TakenAt, Tenant: h.TenantID, Inputs: h.Inputs, Tool: h.Tool, KeyID: h.KeyID,
	})
	if err == nil && b.Len() > MaxFrame {
		err = fmt.Errorf("it has %d bytes; at most %d fit", b.Len(), MaxFrame)
	}
	if err != nil {
		return nil, fmt.Errorf("writing the header of a snapshot: %w", err)
	}
	return b.Bytes(), nil
}

// decodeHeader reads the content of the first frame. Of a newer major version it reads
// nothing but the number.
func decodeHeader(content []byte) (h Header, major int, err error) {
	var v struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(content, &v); err != nil {
		return Header{}, 0, damaged("the header is no JSON line (%v)", err)
	}
	minor := 0
	if _, err := fmt.Sscanf(v.Version, "%d.%d", &major, &minor); err != nil || major < 0 || minor < 0 {
		return Header{}, 0, damaged("the version %q is not of the form 1.0", v.Version)
	}
	if major > Major {
		return Header{}, major, fmt.Errorf("the file has format %s and this mivet reads up to %d.x: update mivet, or take the snapshot with this version", v.Version, Major)
	}
	var r headerRecord
	if err := json.Unmarshal(content, &r); err != nil {
		return Header{}, major, damaged("the header cannot be read (%v)", err)
	}
	return Header{
		Version: r.Version, TakenAt: r.TakenAt, TenantID: r.Tenant,
		Inputs: r.Inputs, Tool: r.Tool, KeyID: r.KeyID,
	}, major, nil
}

// upgrade converts a fact of one major version to the next.
type upgrade func(kind string, fact json.RawMessage) (json.RawMessage, error)

// upgradesFrom returns the conversions that facts of a major version need, in order.
func upgradesFrom(major int) ([]upgrade, error) {
	steps := []upgrade{
		// Version 1 is the first one. The conversion from version n stands at place n-1.
	}
	if major < 1 || major-1 > len(steps) {
		return nil, errors.New("the file's version never existed: take the snapshot again")
	}
	return steps[major-1:], nil
}
