// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// apart starts this program again in namespaces of its own: the metadata service has a
// fixed address, and the clients read fixed files. No right on the machine is needed
// where users may make namespaces.
func apart(args []string, files ...*os.File) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = files
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	return cmd
}

// furnish makes the files and the network of a simulated host, in namespaces of its own.
func furnish(scratch string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping mounts apart: %w", err)
	}
	names := filepath.Join(scratch, "hosts")
	if err := os.WriteFile(names, []byte("127.0.0.1 localhost login.microsoftonline.com login.microsoft.com login.windows.net sts.windows.net\n"), 0o600); err != nil {
		return err
	}
	if err := syscall.Mount(names, "/etc/hosts", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("naming the login server: %w", err)
	}
	for _, dir := range []string{"/var/opt", "/opt"} {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			return fmt.Errorf("making a folder at %s: %w", dir, err)
		}
	}
	return errors.Join(os.MkdirAll(filepath.Dir(keyPath), 0o755), os.MkdirAll(filepath.Dir(agentPath), 0o755), ip("link", "set", "lo", "up"))
}

// ip configures the network.
func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v: %w: %s", args, err, out)
	}
	return nil
}

// setFile makes a file with a content, or takes it away.
func setFile(path, content string, there bool) error {
	if there {
		return os.WriteFile(path, []byte(content), 0o644) //nolint:gosec // the clients read it
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
