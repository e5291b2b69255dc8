"""Mail: who gets what (recipients), what it says (compose), what became of it (ledger), and how it is handed over (delivery)."""
