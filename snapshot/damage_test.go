// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/mivet/mivet"
)

// part is a frame of a file made by hand.
type part struct{ of, lines string }

const testHeader = `{"kind":"header","format":"mivet-snapshot","version":"1.0","tenant":"t"}` + "\n"

// craft makes a file of frames. change may spoil the index before it is written.
func craft(t testing.TB, change func([]entry), parts ...part) []byte {
	t.Helper()
	pack, err := newPacker()
	if err != nil {
		t.Fatal(err)
	}
	var file []byte
	var index []entry
	counts := map[string]int64{}
	for i, p := range parts {
		frame := pack.EncodeAll([]byte(p.lines), nil)
		if i == 0 {
			frame = storedFrame([]byte(p.lines))
		}
		n := int64(strings.Count(p.lines, "\n"))
		index = append(index, entry{
			Kind: "index", Of: p.of, Offset: int64(len(file)), Size: int64(len(frame)), Bytes: int64(len(p.lines)),
			Records: n, First: counts[p.of] + 1, CRC: crc(checksum(frame)),
		})
		counts[p.of] += n
		file = append(file, frame...)
	}
	if change != nil {
		change(index)
	}
	var lines []byte
	for i := range index {
		line, err := json.Marshal(&index[i])
		if err != nil {
			t.Fatal(err)
		}
		lines = append(append(lines, line...), '\n')
	}
	return seal(t, file, lines)
}

// seal puts an index and a trailer behind frames.
func seal(t testing.TB, file, lines []byte) []byte {
	t.Helper()
	pack, err := newPacker()
	if err != nil {
		t.Fatal(err)
	}
	packed := pack.EncodeAll(lines, nil)
	end := trailer{offset: int64(len(file)), size: int64(len(packed)), sum: checksum(packed)}
	return append(append(file, packed...), end.encode()...)
}

func readBytes(file []byte, o ReadOptions) (*mivet.Snapshot, error) {
	return Read(bytes.NewReader(file), int64(len(file)), o)
}

// wantError checks that a read fails with all of the texts in the message.
func wantError(t *testing.T, file []byte, texts ...string) {
	t.Helper()
	_ = failure(t, file, texts...)
}

// failure reads a damaged file and returns the error, which must hold the texts.
func failure(t *testing.T, file []byte, texts ...string) error {
	t.Helper()
	s, err := readBytes(file, ReadOptions{})
	if err == nil {
		t.Fatalf("read without an error: %+v", s)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error is\n\t%v\nand should say %q", err, text)
		}
	}
	return err
}

var (
	headerPart = part{"header", testHeader}
	wish       = part{"wish", `{"kind":"wish","fact":{}}` + "\n"}
	locks      = part{"lock", `{"kind":"lock","fact":{"scope":"/subscriptions/1","level":"ReadOnly"}}` + "\n" + `{"kind":"lock","fact":{"scope":"/subscriptions/2","level":"ReadOnly"}}` + "\n"}
)

func TestErrorsNameTheRecord(t *testing.T) {
	f := func(bad string, texts ...string) {
		t.Helper()
		file := craft(t, nil, headerPart, locks, part{"lock", locks.lines + bad})
		err := failure(t, file, append(texts, "lock record 5", "frame 2", fmt.Sprintf("at byte %d", offsetOf(t, file, 2)), fetchAgain)...)
		var e *Error
		if !errors.As(err, &e) || e.Record != 5 || e.Frame != 2 || !errors.Is(err, ErrDamaged) {
			t.Errorf("the error is %#v", err)
		}
	}
	f("{\n", "line 3 of the frame", "unexpected EOF")
	f("\n", "line 3")
	f(`{"kind":"lock","fact":{"scope":"subscriptions","level":"x"}}`+"\n", "must start with")
	f(`{"kind":"gap","fact":{}}`+"\n", `kind "gap"`)
	f(`{"kind":"lock","fact":{"scope":"/"}} {}`+"\n", "more than one JSON value")
	f(`{"kind":"lock","origin":1,"fact":{"scope":"/"}}`+"\n", "names origin 1")
	f(`{"kind":"lock","origin":-1,"fact":{"scope":"/"}}`+"\n", "names origin -1")
}

func offsetOf(t *testing.T, file []byte, frame int) int64 {
	t.Helper()
	f, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return f.frames[frame].Offset
}

func TestOriginsAreChecked(t *testing.T) {
	f := func(line, text string) {
		t.Helper()
		wantError(t, craft(t, nil, headerPart, part{"origin", line + "\n"}), "origin record 1", text)
	}
	f(`{"kind":"origin","origin":0,"fact":{"file":"a"}}`, "begin at 1")
	f(`{"kind":"lock","origin":1,"fact":{"file":"a"}}`, "in a frame of kind")
	f(`{"kind":"origin","origin":1,"fact":[]}`, "cannot unmarshal")
}

func TestIndexIsChecked(t *testing.T) {
	f := func(text string, change func([]entry)) {
		t.Helper()
		if err := failure(t, craft(t, change, headerPart, locks), text); !errors.Is(err, ErrDamaged) {
			t.Errorf("the error is not said to be damage: %v", err)
		}
	}
	f("should begin at byte", func(x []entry) { x[1].Offset++ })
	f("can have 99999999 bytes", func(x []entry) { x[1].Size = 99999999 })
	f("can have -1 bytes", func(x []entry) { x[1].Size = -1 })
	f("does not say what is from byte", func(x []entry) { x[1].Size-- })
	f("can hold 4194305 bytes", func(x []entry) { x[1].Bytes = MaxFrame + 1 })
	f("can hold -1 bytes", func(x []entry) { x[1].Bytes = -1 })
	f("cannot hold 9223372036854775807 records", func(x []entry) { x[1].Records = 1<<63 - 1 })
	f("cannot hold -1 records", func(x []entry) { x[1].Records = -1 })
	f("should have number 1", func(x []entry) { x[1].First = 2 })
	f("bytes of content, and the index says", func(x []entry) { x[1].Bytes++ })
	f("has 2 records, and the index says 3", func(x []entry) { x[1].Records = 3 })
	f("more than the 1 records", func(x []entry) { x[1].Records = 1 })
	f("(lock) at byte 85: the frame does not match", func(x []entry) { x[1].CRC++ })
	f("does not match its checksum", func(x []entry) { x[0].CRC++ })
	f("does not match its checksum", func(x []entry) { x[0].Of = "wish" })
	f(`kind "lock"`, func(x []entry) { x[1].Kind = "lock" })
	f("in a frame of kind", func(x []entry) { x[1].Of = "gap" })
}

func TestIndexLines(t *testing.T) {
	f := func(lines, text string) {
		t.Helper()
		wantError(t, seal(t, storedFrame([]byte(testHeader)), []byte(lines)), "index", text)
	}
	f("", "does not say what is from byte 0")
	f("x\n", "line 1 of the index")
	f(`{"crc32c":"x"}`+"\n", "line 1 of the index")
	f(strings.Repeat(" ", 1<<20), "token too long")
}

func TestLastLineNeedsAnEnd(t *testing.T) {
	wantError(t, craft(t, func(x []entry) { x[1].Records = 1 }, headerPart, part{"lock", `{"kind":"lock"`}), "lock record 1", "no end")
}

func TestOtherFiles(t *testing.T) {
	f := func(file string, texts ...string) {
		t.Helper()
		wantError(t, []byte(file), texts...)
		if _, err := Recover(strings.NewReader(file), int64(len(file)), ReadOptions{}); err == nil {
			t.Errorf("%q was recovered", file)
		}
	}
	f("", "no snapshot of mivet")
	f("{}", "no snapshot of mivet")
	f(string(storedFrame([]byte("{}\n"))), "no snapshot of mivet")
	f(string(storedFrame([]byte(testHeader[:45]))), "header", ErrDamaged.Error())
	f(string(storedFrame([]byte(testHeader))[:60]), "header", "no end")
	whole := func(header string) string { return string(craft(t, nil, part{"header", header + "\n"}, locks)) }
	f(whole(headerStart+`,"version":"2.3","takenAt":7}`), "format 2.3", "up to 1.x", "update mivet")
	f(whole(headerStart+`,"version":"0.9"}`), "never existed")
	f(whole(headerStart+`,"version":"one"}`), "not of the form")
	f(whole(headerStart+`,"version":"-1.0"}`), "not of the form")
	f(whole(headerStart+`,"version":"1.0","takenAt":7}`), "header cannot be read")
}

// A newer minor version may have kinds and fields that we do not know.
func TestNewerMinorVersion(t *testing.T) {
	file := craft(t, nil,
		part{"header", headerStart + `,"version":"1.9","tenant":"t","mood":"good"}` + "\n"}, locks,
		part{"origin", `{"kind":"origin","origin":1,"fact":{"file":"a","page":3}}` + "\n"},
		part{"lock", `{"kind":"lock","origin":1,"fact":{"scope":"/","level":"x","sharp":true}}` + "\n" + `{"kind":"lock","fact":{"scope":"/"},"weight":1}` + "\n"},
		part{"gap", `{"kind":"gap","fact":{"facts":"locks","reason":"r","colour":1}}` + "\n"},
		wish, wish, part{"dream", `{"kind":"dream","fact":{}}` + "\n"})
	s, err := readBytes(file, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Locks) != 4 || s.Locks[2].Level != "x" || s.Locks[2].Source.Origin.File != "a" {
		t.Errorf("the locks are %+v", s.Locks)
	}
	const news = "which this version of mivet does not know; update mivet"
	want := []mivet.Gap{
		{Facts: mivet.FactLocks, Reason: "r"},
		{Facts: mivet.FactInput, Subject: "dream", Reason: `the file has 1 records of the kind "dream", ` + news},
		{Facts: mivet.FactInput, Subject: "wish", Reason: `the file has 2 records of the kind "wish", ` + news},
		{Facts: mivet.FactLocks, Subject: "lock", Reason: `2 records of the kind "lock" have fields that this version of mivet does not know; update mivet`},
		{Facts: mivet.FactInput, Subject: "gap", Reason: `1 records of the kind "gap" have fields that this version of mivet does not know; update mivet`},
		{Facts: mivet.FactInput, Subject: "origin", Reason: "1 places of facts have fields that this version of mivet does not know; update mivet"},
	}
	if diff := cmp.Diff(want, s.Gaps, sameFacts); diff != "" {
		t.Error(diff)
	}
}

// Facts of an older major version pass the conversions before they are decoded.
func TestUpgrade(t *testing.T) {
	file := craft(t, nil, headerPart, locks,
		part{"membership", `{"kind":"membership","fact":{"parent":"g","child":"m"}}` + "\n"},
		part{"properties", `{"kind":"properties","resource":"/subscriptions/1","fact":{"old":1}}` + "\n"})
	f, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	f.frames[3].Low, f.frames[3].High = "/subscriptions/1", "/subscriptions/1"
	f.upgrades = []upgrade{func(kind string, fact json.RawMessage) (json.RawMessage, error) {
		if kind == "membership" {
			fact = bytes.Replace(fact, []byte("parent"), []byte("group"), 1)
		}
		return fact, nil
	}, func(kind string, fact json.RawMessage) (json.RawMessage, error) {
		switch kind {
		case "membership":
			fact = bytes.Replace(fact, []byte("child"), []byte("member"), 1)
		case kindProperties:
			fact = json.RawMessage("2")
		}
		return fact, nil
	}}
	s, err := f.Snapshot(ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]mivet.Membership{{Group: "g", Member: "m"}}, s.Memberships); diff != "" {
		t.Error(diff)
	}
	if raw, ok, err := f.Properties(id(t, "/subscriptions/1")); string(raw) != "2" || !ok || err != nil {
		t.Errorf("the properties are %s, %v, %v", raw, ok, err)
	}
	f.upgrades = []upgrade{func(string, json.RawMessage) (json.RawMessage, error) { return nil, errors.New("no way") }}
	if _, err := f.Snapshot(ReadOptions{}); err == nil || !strings.Contains(err.Error(), "converting it from format 1.0: no way") {
		t.Errorf("the error is %v", err)
	}
	if _, err := upgradesFrom(Major); err != nil {
		t.Error(err)
	}
}

// stride is the distance of the damages that are tried; -short tries fewer.
func stride(bytes int) int {
	if testing.Short() {
		return 10 * bytes
	}
	return bytes
}

// Wherever a file is cut, reading fails, and recovering gives the intact frames and gaps.
func TestEveryTruncation(t *testing.T) {
	file := goldenFile(t, golden(t))
	whole := read(t, file)
	headerSize := int(offsetOf(t, file, 1))
	for n := 0; n < len(file); n += stride(3) {
		cut := file[:n]
		_, err := readBytes(cut, ReadOptions{})
		if err == nil {
			t.Fatalf("the first %d of %d bytes were read", n, len(file))
		}
		if n >= HeadSize && !errors.Is(err, ErrDamaged) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		s, err := Recover(bytes.NewReader(cut), int64(n), ReadOptions{})
		if n < headerSize {
			if err == nil {
				t.Fatalf("%d bytes were recovered without a header", n)
			}
			continue
		}
		if err != nil {
			t.Fatalf("recovering %d bytes: %v", n, err)
		}
		if !isPrefix(s.RoleAssignments, whole.RoleAssignments) || !isPrefix(s.Resources, whole.Resources) {
			t.Fatalf("%d bytes: recovered facts that were not there", n)
		}
		if !missing(s, mivet.FactRoleAssignments) || !missing(s, mivet.FactLocks) {
			t.Fatalf("%d bytes: the gaps do not say that facts may be missing: %v", n, s.Gaps)
		}
	}
}

func isPrefix[T any](part, whole []T) bool {
	return len(part) <= len(whole) && cmp.Equal(part, whole[:len(part)], sameFacts)
}

func missing(s *mivet.Snapshot, facts mivet.FactKind) bool {
	for _, g := range s.Gaps {
		if g.Facts == facts && g.Scope.IsZero() {
			return true
		}
	}
	return false
}

// Whichever byte is changed, nothing wrong is read, and what is recovered is true.
func TestEveryChangedByte(t *testing.T) {
	file := goldenFile(t, golden(t))
	whole := read(t, file)
	for i := 0; i < len(file); i += stride(1) {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		if s, err := readBytes(bad, ReadOptions{}); err == nil && propertiesIntact(t, bad) {
			t.Fatalf("byte %d was changed and read as %+v", i, s)
		}
		if i%5 > 0 {
			continue
		}
		s, err := Recover(bytes.NewReader(bad), int64(len(bad)), ReadOptions{})
		if err != nil {
			continue
		}
		for _, a := range s.RoleAssignments {
			a.Source = whole.RoleAssignments[0].Source
			if !cmp.Equal(a, whole.RoleAssignments[0], sameFacts) {
				t.Fatalf("byte %d was changed and recovered as %+v", i, a)
			}
		}
		if len(s.RoleAssignments) == 0 && !missing(s, mivet.FactRoleAssignments) {
			t.Fatalf("byte %d was changed, and no gap says that assignments are missing: %v", i, s.Gaps)
		}
	}
}

// propertiesIntact reads the properties of the golden file, which Read does not.
func propertiesIntact(t *testing.T, file []byte) bool {
	f, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	_, ok, err := f.Properties(golden(t).Resources[0].ID)
	return ok && err == nil
}

func TestRecoverNamesWhatIsLost(t *testing.T) {
	more := part{"lock", `{"kind":"lock","origin":1,"fact":{"scope":"/subscriptions/3","level":"ReadOnly"}}` + "\n"}
	spoil := func(frames ...int) []byte {
		return craft(t, func(x []entry) {
			for _, i := range frames {
				x[i].CRC++
			}
		}, headerPart, part{"origin", `{"kind":"origin","origin":1,"fact":{"file":"a"}}` + "\n"}, locks, more,
			part{"gap", `{"kind":"gap","fact":{"facts":"resources","reason":"r"}}` + "\n"}, wish)
	}
	f := func(locks, gaps int, text string, frames ...int) {
		t.Helper()
		file := spoil(frames...)
		s, err := Recover(bytes.NewReader(file), int64(len(file)), ReadOptions{Kinds: []mivet.FactKind{mivet.FactLocks}})
		if err != nil {
			t.Fatal(err)
		}
		if all := fmt.Sprint(s.Gaps); len(s.Locks) != locks || len(s.Gaps) != gaps || !strings.Contains(all, text) {
			t.Errorf("recovered %d locks and %d gaps: %s", len(s.Locks), len(s.Gaps), all)
		}
	}
	f(3, 2, "wish")
	f(1, 3, `records 1 to 2 of the kind "lock" are lost: the frame at byte`, 2)
	f(2, 3, `records 3 to 3 of the kind "lock" are lost`, 3)
	f(3, 3, "its tenant, its time and its inputs may be wrong", 0)
	f(3, 3, "the places at which 1 facts were read are lost", 1)
	f(3, 1+len(everything("")), "own list of gaps is damaged", 4)
}

// A damaged place in a file without an index is passed over.
func TestRecoverPassesOver(t *testing.T) {
	file := craft(t, nil, headerPart, locks, part{"membership", `{"kind":"membership","fact":{"group":"g","member":"m"}}` + "\n"})
	at := offsetOf(t, file, 1)
	file[at+6] ^= 0xff
	file[at+14] ^= 0xff
	file = file[:len(file)-1]
	s, err := Recover(bytes.NewReader(file), int64(len(file)), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Memberships) != 1 || len(s.Locks) != 0 || !strings.Contains(fmt.Sprint(s.Gaps), fmt.Sprintf("bytes %d to", at)) {
		t.Errorf("recovered %+v", s)
	}
	// Very many such places end the search.
	magic := bytes.Repeat(storedFrame(nil)[:4], 10_000)
	file = append(storedFrame([]byte(testHeader)), magic...)
	if s, err = Recover(bytes.NewReader(file), int64(len(file)), ReadOptions{}); err != nil || !strings.Contains(fmt.Sprint(s.Gaps), "damaged in many places") {
		t.Errorf("recovered %+v, %v", s, err)
	}
}

func TestHostileFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("makes files of 256 MiB")
	}
	// A frame that makes far more bytes than it says, and one that says so.
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	zeros := pack.EncodeAll(make([]byte, 256<<20), nil)
	bomb := func(claim int64) []byte {
		file := append(storedFrame([]byte(testHeader)), zeros...)
		lines := fmt.Appendf(nil, `{"kind":"index","of":"header","offset":0,"size":%d,"bytes":73,"records":1,"first":1,"crc32c":"%08x"}`+"\n"+
			`{"kind":"index","of":"lock","offset":%d,"size":%d,"bytes":%d,"records":1,"first":1,"crc32c":"%08x"}`+"\n",
			len(file)-len(zeros), checksum(file[:len(file)-len(zeros)]), len(file)-len(zeros), len(zeros), claim, checksum(zeros))
		return seal(t, file, lines)
	}
	wantError(t, bomb(1000), "lock", "cannot be decompressed")
	wantError(t, bomb(256<<20), "no frame can hold")
	// An index that never ends.
	index := pack.EncodeAll(make([]byte, 256<<20), nil)
	file := storedFrame([]byte(testHeader))
	end := trailer{offset: int64(len(file)), size: int64(len(index)), sum: checksum(index)}
	wantError(t, append(append(bytes.Clone(file), index...), end.encode()...), "index cannot be read")
	// More facts than memory was allowed for.
	file = craft(t, nil, headerPart, locks)
	if _, err := readBytes(file, ReadOptions{MaxMemory: 10}); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("the error is %v", err)
	}
	if _, err := Recover(bytes.NewReader(file), int64(len(file)), ReadOptions{MaxMemory: 10}); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("the error of Recover is %v", err)
	}
	if _, err := readIndex(bytes.NewReader(nil), trailer{size: maxIndex + 1}); err == nil || !strings.Contains(err.Error(), "of any known file") {
		t.Errorf("the error is %v", err)
	}
}

// failingAt fails when bytes from a place on are wanted.
type failingAt struct {
	*bytes.Reader
	at int64
}

var errDisk = errors.New("disk on fire")

func (r failingAt) ReadAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) > r.at {
		return 0, errDisk
	}
	return r.Reader.ReadAt(b, at)
}

func TestReadErrors(t *testing.T) {
	file := goldenFile(t, golden(t))
	for _, at := range []int64{0, HeadSize, 1000, int64(len(file)) - 1} {
		r := failingAt{bytes.NewReader(file), at}
		if _, err := Read(r, int64(len(file)), ReadOptions{}); !errors.Is(err, errDisk) {
			t.Errorf("failing at %d: %v", at, err)
		}
		if _, err := Recover(r, int64(len(file)), ReadOptions{}); at < 1000 && !errors.Is(err, errDisk) {
			t.Errorf("recovering, failing at %d: %v", at, err)
		}
	}
	// A file that shrinks.
	if _, err := Read(bytes.NewReader(file[:len(file)-1]), int64(len(file)), ReadOptions{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("the error is %v", err)
	}
}

// failingWriter fails after some bytes.
type failingWriter struct{ left int }

func (w *failingWriter) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

func TestWriteErrors(t *testing.T) {
	s := golden(t)
	for left := 0; left < len(written(t, s)); left += 97 {
		if err := Write(&failingWriter{left: left}, s, WriteOptions{Redactor: keepAll{}}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("with room for %d bytes: %v", left, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	file := goldenFile(f, golden(f))
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Add(file[:len(file)-trailerSize])
	for _, i := range []int{5, 12, 100, len(file) / 2, len(file) - 100, len(file) - 30} {
		bad := bytes.Clone(file)
		bad[i] ^= 0x10
		f.Add(bad)
	}
	f.Add(craft(f, nil, headerPart, locks, wish))
	f.Fuzz(func(t *testing.T, file []byte) {
		o := ReadOptions{MaxMemory: 64 << 20}
		s, err := readBytes(file, o)
		if _, rerr := Recover(bytes.NewReader(file), int64(len(file)), o); err == nil && rerr != nil {
			t.Errorf("read, but not recovered: %v", rerr)
		}
		if err != nil {
			return
		}
		again := written(t, s)
		if diff := cmp.Diff(s, read(t, again), sameFacts); diff != "" {
			t.Errorf("written and read again:\n%s", diff)
		}
	})
}

// Content of any kind in a file whose checksums are right.
func FuzzContent(f *testing.F) {
	f.Add(uint8(0), "", locks.lines)
	for i, k := range kinds() {
		f.Add(uint8(i), `{"kind":"origin","origin":1,"fact":{"file":"a"}}`+"\n", fmt.Sprintf(`{"kind":%q,"origin":1,"fact":{}}`+"\n", k.name))
	}
	f.Fuzz(func(t *testing.T, which uint8, origins, lines string) {
		if len(lines)+len(origins) > MaxFrame {
			return
		}
		all := kinds()
		file := craft(t, nil, headerPart, part{kindOrigin, origins}, part{all[int(which)%len(all)].name, lines})
		s, err := readBytes(file, ReadOptions{})
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("the error is %v", err)
			}
			return
		}
		if diff := cmp.Diff(s, read(t, written(t, s)), sameFacts); diff != "" {
			t.Errorf("written and read again:\n%s", diff)
		}
	})
}
