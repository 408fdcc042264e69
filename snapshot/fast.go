// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// The decoders in this file read the commonest facts several times faster than
// encoding/json, and only in the form in which this package writes them: without blanks,
// with known fields. Of anything else they say that they cannot, and encoding/json
// decides. A test holds both equal.

// memory keeps the texts of facts: those that repeat once, the others side by side in
// chunks, so that a text costs its bytes and nothing more.
type memory struct {
	shared *shared
	chunk  strings.Builder
	words  map[string]string
}

const (
	chunkSize = 32 << 10
	maxWords  = 1 << 12
)

// begin forgets the words of the last frame if there were many.
func (m *memory) begin() {
	if m.words == nil || len(m.words) >= maxWords {
		m.words = map[string]string{}
	}
}

// keep returns a text that stays.
func (m *memory) keep(b []byte) string {
	if len(b) > chunkSize/4 {
		return string(b)
	}
	if m.chunk.Cap()-m.chunk.Len() < len(b) {
		m.chunk = strings.Builder{}
		m.chunk.Grow(chunkSize)
	}
	at := m.chunk.Len()
	m.chunk.Write(b)
	return m.chunk.String()[at:]
}

// word returns a text that stays, the same one for equal bytes.
func (m *memory) word(b []byte) string {
	if w, ok := m.words[string(b)]; ok {
		return w
	}
	w := m.keep(b)
	if len(m.words) < maxWords {
		m.words[w] = w
	}
	return w
}

// share replaces what is equal in many resources by one copy.
func (m *memory) share(r *mivet.Resource) error {
	r.Location = m.word([]byte(r.Location))
	if r.Detail == nil {
		return nil
	}
	text, err := json.Marshal(r.Detail)
	if err != nil {
		return err
	}
	r.Detail, err = m.shared.detail(text, r.Detail)
	return err
}

// cursor walks a JSON text. Once bad it stays so.
type cursor struct {
	b   []byte
	i   int
	bad bool
	mem *memory
}

// done reports whether all was read, without a fault.
func (c *cursor) done() bool { return !c.bad && c.i == len(c.b) }

// literal moves behind s, if s is next.
func (c *cursor) literal(s string) bool {
	if len(c.b)-c.i < len(s) || string(c.b[c.i:c.i+len(s)]) != s {
		return false
	}
	c.i += len(s)
	return true
}

func (c *cursor) expect(s string) {
	if !c.literal(s) {
		c.bad = true
	}
}

// number reads a number without sign, fraction and exponent, of up to 15 digits.
func (c *cursor) number() int64 {
	n, from := int64(0), c.i
	for c.i < len(c.b) && '0' <= c.b[c.i] && c.b[c.i] <= '9' {
		n = n*10 + int64(c.b[c.i]-'0')
		c.i++
	}
	if digits := c.i - from; digits == 0 || digits > 15 || digits > 1 && c.b[from] == '0' {
		c.bad = true
	}
	return n
}

// yes reads the value true; false is never written.
func (c *cursor) yes() bool {
	c.expect("true")
	return !c.bad
}

// first begins an object and returns its first key, or nil if there is none.
func (c *cursor) first() []byte {
	c.expect("{")
	if c.bad || c.literal("}") {
		return nil
	}
	return c.key()
}

// next returns the next key, or nil at the end of the object.
func (c *cursor) next() []byte {
	if c.bad || c.literal("}") {
		return nil
	}
	c.expect(",")
	return c.key()
}

func (c *cursor) key() []byte {
	k := c.text()
	c.expect(":")
	if c.bad {
		return nil
	}
	return k
}

// text reads a string and returns its content, which is valid until the text goes.
func (c *cursor) text() []byte {
	c.expect(`"`)
	if c.bad {
		return nil
	}
	from := c.i
	n := bytes.IndexByte(c.b[from:], '"')
	if n < 0 {
		c.bad = true
		return nil
	}
	c.i = from + n + 1
	if text := c.b[from : from+n]; plain(text) {
		return text
	}
	c.i = from
	return c.escaped(from)
}

// plain reports whether a text between quotes stands for its own bytes: printable ASCII
// without a backslash. It looks at eight bytes at a time.
func plain(b []byte) bool {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		slash := w ^ '\\'*ones
		// A byte's high bit is set in the terms if it is above ASCII, below a blank, or a
		// backslash. They may also be set behind such a byte, which does no harm.
		if (w|(w-' '*ones)|((slash-ones)&^slash))&highs != 0 {
			return false
		}
	}
	for _, c := range b {
		if c < ' ' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// escaped reads a string that is more than its bytes. It began behind from-1.
func (c *cursor) escaped(from int) []byte {
	for ; c.i < len(c.b) && c.b[c.i] != '"'; c.i++ {
		if c.b[c.i] == '\\' {
			c.i++
		}
	}
	if c.i >= len(c.b) {
		c.bad = true
		return nil
	}
	c.i++
	var s string
	if json.Unmarshal(c.b[from-1:c.i], &s) != nil {
		c.bad = true
	}
	return []byte(s)
}

// object returns the bytes of an object, which are not checked.
func (c *cursor) object() []byte {
	from, depth, inText := c.i, 0, false
	for ; c.i < len(c.b); c.i++ {
		switch c.b[c.i] {
		case '\\':
			c.i++
		case '"':
			inText = !inText
		case '{':
			if !inText {
				depth++
			}
		case '}':
			if inText {
				continue
			}
			if depth--; depth == 0 {
				c.i++
				return c.b[from:c.i]
			}
		}
		if depth == 0 {
			break
		}
	}
	c.bad = true
	return nil
}

func (c *cursor) kept() string { return c.mem.keep(c.text()) }

func (c *cursor) word() string { return c.mem.word(c.text()) }

func (c *cursor) id() arm.ID {
	text := c.text()
	if len(text) == 0 {
		return arm.ID{}
	}
	id, err := arm.ParseID(c.mem.keep(text))
	if err != nil {
		c.bad = true
	}
	return id
}

// idNear reads an ID that is probably the parent of another one, and shares its bytes
// then.
func (c *cursor) idNear(child arm.ID) arm.ID {
	from := c.i
	if parent := child.Parent(); string(c.text()) == parent.String() {
		return parent
	}
	c.i = from
	return c.id()
}

// time reads a time as encoding/json does, which knows no escapes in it.
func (c *cursor) time(t *time.Time) {
	from := c.i
	text := c.text()
	if c.bad || c.i-from != len(text)+2 || t.UnmarshalText(text) != nil {
		c.bad = true
	}
}

// envelope reads a record up to its fact.
func (c *cursor) envelope(kind string) (origin int64, line int) {
	c.expect(`{"kind":"`)
	c.expect(kind)
	c.expect(`"`)
	if c.literal(`,"origin":`) {
		origin = c.number()
	}
	if c.literal(`,"line":`) {
		line = int(c.number())
	}
	c.expect(`,"fact":`)
	return origin, line
}

func fastResource(c *cursor, r *mivet.Resource) bool {
	for k := c.first(); k != nil; k = c.next() {
		switch string(k) {
		case "id":
			r.ID = c.id()
		case "location":
			r.Location = c.word()
		case "identity":
			if r.Identity != nil {
				return false
			}
			r.Identity = &mivet.Attachment{}
			c.attachment(r.Identity)
		case "detail":
			text := c.object()
			if c.bad || r.Detail != nil {
				return false
			}
			d, err := c.mem.shared.detail(text, nil)
			if err != nil {
				return false
			}
			r.Detail = d
		default:
			return false
		}
	}
	return true
}

func (c *cursor) attachment(a *mivet.Attachment) {
	for k := c.first(); k != nil; k = c.next() {
		switch string(k) {
		case "system":
			a.System = c.yes()
		case "systemPrincipal":
			a.SystemPrincipal = mivet.PrincipalID(c.kept())
		case "user":
			a.User = c.ids()
		default:
			c.bad = true
		}
	}
}

// ids reads a list of resource IDs that is not empty.
func (c *cursor) ids() []arm.ID {
	c.expect("[")
	var ids []arm.ID
	for !c.bad {
		ids = append(ids, c.id())
		if c.literal("]") {
			break
		}
		c.expect(",")
	}
	return ids
}

func fastIdentity(c *cursor, f *mivet.Identity) bool {
	for k := c.first(); k != nil; k = c.next() {
		switch string(k) {
		case "kind":
			f.Kind = mivet.IdentityKind(c.word())
		case "resource":
			f.Resource = c.id()
		case "principal":
			f.Principal = mivet.PrincipalID(c.kept())
		case "clientId":
			f.ClientID = c.kept()
		case "tenantId":
			f.TenantID = c.word()
		default:
			return false
		}
	}
	return true
}

func fastPrincipal(c *cursor, f *mivet.Principal) bool {
	for k := c.first(); k != nil; k = c.next() {
		switch string(k) {
		case "id":
			f.ID = mivet.PrincipalID(c.kept())
		case "type":
			f.Type = mivet.PrincipalType(c.word())
		case "name":
			f.Name = c.kept()
		case "clientId":
			f.ClientID = c.kept()
		case "homeTenant":
			f.HomeTenant = c.word()
		case "managed":
			f.Managed = c.yes()
		case "disabled":
			f.Disabled = c.yes()
		case "membershipRule":
			f.MembershipRule = c.kept()
		default:
			return false
		}
	}
	return true
}

func fastMembership(c *cursor, f *mivet.Membership) bool {
	for k := c.first(); k != nil; k = c.next() {
		switch string(k) {
		case "group":
			f.Group = mivet.PrincipalID(c.word())
		case "member":
			f.Member = mivet.PrincipalID(c.kept())
		default:
			return false
		}
	}
	return true
}

func fastRoleAssignment(c *cursor, f *mivet.RoleAssignment) bool {
	for k := c.first(); k != nil; k = c.next() {
		switch string(k) {
		case "id":
			f.ID = c.id()
		case "role":
			f.Role = mivet.RoleID(c.word())
		case "roleName":
			f.RoleName = c.word()
		case "principal":
			f.Principal = mivet.PrincipalID(c.kept())
		case "principalType":
			f.PrincipalType = mivet.PrincipalType(c.word())
		case "scope":
			f.Scope = c.idNear(f.ID)
		case "condition":
			f.Condition = c.word()
		case "conditionVersion":
			f.ConditionVersion = c.word()
		case "description":
			f.Description = c.word()
		case "eligible":
			f.Eligible = c.yes()
		case "start":
			c.time(&f.Start)
		case "end":
			c.time(&f.End)
		case "createdOn":
			c.time(&f.CreatedOn)
		case "createdBy":
			f.CreatedBy = mivet.PrincipalID(c.word())
		case "delegatedIdentity":
			f.DelegatedIdentity = c.id()
		default:
			return false
		}
	}
	return true
}

func fastAccessPolicy(c *cursor, f *mivet.AccessPolicy) bool {
	for k := c.first(); k != nil; k = c.next() {
		switch string(k) {
		case "vault":
			f.Vault = c.id()
		case "principal":
			f.Principal = mivet.PrincipalID(c.kept())
		case "applicationId":
			f.ApplicationID = c.word()
		case "tenantId":
			f.TenantID = c.word()
		case "keys":
			f.Keys = c.list()
		case "secrets":
			f.Secrets = c.list()
		case "certificates":
			f.Certificates = c.list()
		case "storage":
			f.Storage = c.list()
		default:
			return false
		}
	}
	return true
}

// list reads a list of texts that repeat.
func (c *cursor) list() []string {
	c.expect("[")
	if c.bad || c.literal("]") {
		return []string{}
	}
	var list []string
	for !c.bad {
		list = append(list, c.word())
		if c.literal("]") {
			break
		}
		c.expect(",")
	}
	return list
}
