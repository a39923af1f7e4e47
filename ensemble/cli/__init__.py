"""The command line: options in, one call of one public function, its answer printed."""
