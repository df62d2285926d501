"""TaskFlow's engine, mended from the outside: linear in time, and without its traps.

Law of this package: every class is a subclass of one of TaskFlow's, or stands in for it, and does
what that does but for what its docstring names; tests compare the two over generated flows.

Private parts of TaskFlow 6.5 that are used or replaced here, each of which a test looks for:

- ``Flow``: ``_graph``
- ``Task``: ``_notifier``
- ``ActionEngine``: ``_backend`` ``_change_state`` ``_check_compilation`` ``_compilation``
  ``_compiled`` ``_compiler`` ``_ensure_storage`` ``_flow_detail`` ``_lock`` ``_options``
  ``_retry_executor`` ``_runtime`` ``_storage_ensured`` ``_task_executor``
- ``Runtime``: ``_atom_notifier`` ``_compilation`` ``_fetch_atom_metadata_entry`` ``_storage``
  ``_task_executor``
- ``Completer``: ``_process_atom_failure``
- ``Scheduler``: ``_runtime``
- ``Selector``: ``_storage``
- ``TaskAction``: ``_is_identity_transition`` ``_notifier`` ``_storage``
- ``Storage``: ``_atom_name_to_uuid`` ``_backend`` ``_check_all_results_provided`` ``_failures``
  ``_flowdetail`` ``_get_failures`` ``_lock`` ``_save_atom_detail`` ``_save_flow_detail``
  ``_set_result_mapping`` ``_with_connection``
"""
