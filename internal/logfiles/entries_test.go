// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/logs"
)

// places lists the places and principals of all entries below a path.
func places(t *testing.T, path string) (entries []string, r *Report) {
	t.Helper()
	r, err := Each(t.Context(), []string{path}, func(e *logs.Entry, text []byte, at mivet.Source) error {
		if !bytes.Contains(text, e.Principal) {
			t.Errorf("%s: not the text of the entry", text)
		}
		entries = append(entries, fmt.Sprintf("%s:%d %s", filepath.Base(at.Origin.File), at.Line, e.Principal))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries, r
}

func TestEach(t *testing.T) {
	dir := settled(t, map[string][]byte{
		"a.json":     []byte(secretGet("p", "01") + "{moon\n" + secretGet("q", "02")),
		"b.json.gz":  gz(t, secretGet("r", "03")),
		"c.json.zst": zst(t, "["+secretGet("s", "04")+","+secretGet("t", "05")+"]"),
		"d.json.gz":  gz(t, strings.Repeat(secretGet("p", "01"), 1000))[:60],
		"readme.md":  []byte("no log"),
	})
	entries, r := places(t, dir)
	if diff := cmp.Diff([]string{"a.json:1 p", "a.json:3 q", "b.json.gz:1 r", "c.json.zst:1 s", "c.json.zst:2 t"}, entries); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Entries != 5 || r.FaultCount != 1 || r.LeftOut != 1 || len(r.Faults) != 2 || r.Faults[0].Line != 2 || r.Faults[1].Line != 0 {
		t.Errorf("%+v", r)
	}
	if rows, _ := places(t, filepath.Join(settled(t, map[string][]byte{"t.parquet": parquetFile(t)}), "t.parquet")); len(rows) != 3*rowsAtOnce {
		t.Errorf("%d rows of Parquet", len(rows))
	}
	stop := errors.New("stop")
	if _, err := Each(t.Context(), []string{dir}, func(*logs.Entry, []byte, mivet.Source) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	if _, err := Each(t.Context(), []string{filepath.Join(dir, "moon")}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// A stream may be packed as a file may.
func TestEachOf(t *testing.T) {
	text := secretGet("p", "01") + secretGet("q", "02")
	for name, in := range map[string]io.Reader{
		"plain": strings.NewReader(text), "gzip": bytes.NewReader(gz(t, text)), "zstd": bytes.NewReader(zst(t, text)), "empty": strings.NewReader(""),
	} {
		var who []string
		r, err := EachOf(t.Context(), name, in, func(e *logs.Entry, _ []byte, at mivet.Source) error {
			who = append(who, fmt.Sprint(at.Origin.File, at.Line, string(e.Principal)))
			return nil
		})
		want := []string{name + "1p", name + "2q"}
		if name == "empty" {
			want = nil
		}
		if err != nil || !slices.Equal(who, want) || len(r.Faults) != 0 {
			t.Errorf("%s: %v, %+v (%v)", name, who, r, err)
		}
	}
	for name, in := range map[string]io.Reader{"parquet": bytes.NewReader(parquetFile(t)), "gzip": bytes.NewReader(gz(t, text)[:5]), "broken": brokenReader{}} {
		if r, err := EachOf(t.Context(), name, in, nil); err != nil || len(r.Faults) != 1 || r.Faults[0].File != name || r.Faults[0].Line != 0 {
			t.Errorf("%s: %+v (%v)", name, r, err)
		}
	}
}

var errBroken = errors.New("the disk is gone")

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// FuzzParquet reads damaged Parquet files: an error, never a panic or a dead end.
func FuzzParquet(f *testing.F) {
	whole := parquetFile(f)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte("PAR1 and no more PAR1"))
	for i := 0; i < len(whole); i += len(whole) / 20 {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x5A
		f.Add(damaged)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		path := filepath.Join(t.TempDir(), "x.parquet")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := open(path)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, io.LimitReader(in, 1<<20)); err != nil && !strings.Contains(err.Error(), "reading Parquet") {
			t.Error(err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
}
