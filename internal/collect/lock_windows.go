// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"errors"
	"os"
	"syscall"
)

// sharingViolation is the answer of Windows to whoever opens a file that somebody does not
// share (learn.microsoft.com/windows/win32/debug/system-error-codes--0-499-).
const sharingViolation = syscall.Errno(32)

// openAlone opens a file for this process alone. Its end, of whatever kind, gives the file
// free.
func openAlone(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		return nil, errInUse
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}
