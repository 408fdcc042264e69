module github.com/mivet/mivet/tools/depaware

go 1.26.0

tool github.com/tailscale/depaware

require (
	github.com/pkg/diff v0.0.0-20241224192749-4e6772a4315c // indirect
	github.com/tailscale/depaware v0.0.0-20260720165112-f20f66241ec6 // indirect
	golang.org/x/mod v0.35.0 // indirect
	golang.org/x/sync v0.20.0 // indirect
	golang.org/x/tools v0.44.0 // indirect
)
