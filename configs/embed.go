package configs

import _ "embed" // the shipped files

// The files that are shipped, as they stand in the repository.
var (
	// Reference is the annotated configuration: every key and its default.
	//go:embed sessiongate.yaml
	Reference string
	// Minimal is the smallest working configuration.
	//go:embed minimal.yaml
	Minimal string
	// Compose is the configuration of docker-compose.yml.
	//go:embed compose.yaml
	Compose string
	// FastAPI is the README's "Your FastAPI behind it".
	//go:embed fastapi.yaml
	FastAPI string
	// DemoUsers is the users file of the demo: ada / lovelace-1843 and grace / hopper-1952.
	//go:embed demo-users.yaml
	DemoUsers string
)
