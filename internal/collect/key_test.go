// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestDigestKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	key, id, err := DigestKey(path)
	if err != nil || len(key) != keyBytes || len(id) != 8 {
		t.Fatalf("%d bytes, ID %q: %v", len(key), id, err)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	again, sameID, err := DigestKey(path)
	if err != nil || !bytes.Equal(key, again) || id != sameID {
		t.Errorf("another key the second time: %v", err)
	}
	f := func(content string, mode os.FileMode, want string) {
		t.Helper()
		p := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(p, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		_, _, err := DigestKey(p)
		if err == nil || !strings.Contains(err.Error(), want) || content != "" && strings.Contains(err.Error(), content) {
			t.Errorf("%q %o: %v", content, mode, err)
		}
	}
	f("no digits at all", 0o600, "hexadecimal")
	f("0011", 0o600, "at least 16 bytes")
	f("", 0o600, "at least 16 bytes")
	if runtime.GOOS != "windows" {
		f("00112233445566778899aabbccddeeff", 0o640, "chmod 600")
	}
	if _, _, err := DigestKey(filepath.Join(path, "below")); err == nil {
		t.Error("a key below a file was made")
	}
}
