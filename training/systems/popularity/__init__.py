"""How well a new track will do: HitMusicNet, remade for what a chart tells."""
