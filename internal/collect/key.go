// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// keyBytes is the length of a key that is made here.
const keyBytes = 32

// DigestKey reads the key of digests from a file, or makes one there that only the user
// can read. The ID names it without giving it away.
func DigestKey(path string) (key []byte, id string, err error) {
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		key, err = makeKey(path)
	case err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		err = fmt.Errorf("others may read it (mode %04o): whoever has the key can guess values from their digests; chmod 600 %s", info.Mode().Perm(), path)
	case err == nil:
		key, err = readKey(path)
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading the key of digests %s: %w", path, err)
	}
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte("mivet key id")) // a hash does not fail
	return key, hex.EncodeToString(h.Sum(nil)[:4]), nil
}

func makeKey(path string) ([]byte, error) {
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	return key, errors.Join(err, f.Close())
}

func readKey(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) < 16 {
		return nil, errors.New("it does not hold at least 16 bytes in hexadecimal digits")
	}
	return key, nil
}
